import type { Processor } from "./processor.ts";

/** The placeholder: says which document it saw, at DEBUG, and succeeds. */
export const logProcessor: Processor = (_document, { log }) => {
  log.debug("Processed by the placeholder: set PROCESSOR to do something with it");
};
