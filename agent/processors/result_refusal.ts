import { PermanentError } from "../errors.ts";

/** The failure of a document whose result cannot be written: a retry would return the same. */
export function resultRefusal(why: string, options?: ErrorOptions): PermanentError {
  return new PermanentError(`Cannot write the processor's result: ${why}`, options);
}
