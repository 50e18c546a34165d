import { CommandError, errorText, SourceError } from "../../agent/errors.ts";
import { isMongoError } from "../../agent/store/mongo_errors.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";

/**
 * How a command fails whose work on the collection has failed: in one sentence, if the settings or the database are the
 * reason. Any other error is a bug in this program, and is returned as it is.
 */
export function storeFailure(command: string, error: unknown): unknown {
  if (error instanceof CommandError) return error;
  if (error instanceof SourceError) return new CommandError(error.message, { cause: error });
  if (!isMongoError(error) && !isMongoError((error as Error).cause)) return error;
  return new CommandError(`${command} failed: ${inOneLine(errorText(error))}`, { cause: error });
}
