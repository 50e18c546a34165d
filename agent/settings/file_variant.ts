import { errorText } from "../errors.ts";
import { isNotFound, isPermissionDenied, NotAFileError, readFileOnce } from "../lib/read_file.ts";
import { secrets } from "../text/redact.ts";
import type { FileVariant } from "./setting.ts";

/** The most that is read of such a file, in bytes: more than any value is long. */
const MAX_BYTES = 64 * 1024;
/** If the file is a pipe, such as a shell's `<(...)`, its writer has this long to write the value, in milliseconds. */
const PIPE_WAIT_MS = 5000;

/**
 * The value of the setting `variable`, read from the file at `path`.
 *
 * @throws {Error} A sentence about the file, if it cannot be read or is empty.
 */
export function readFileVariant(path: string, variable: string, file: FileVariant): string {
  const named = `${file.variable} names ${JSON.stringify(secrets.text(path))}, which`;
  let content: string;
  try {
    content = readFileOnce(path, { maxBytes: MAX_BYTES, pipeWaitMs: PIPE_WAIT_MS }).trim();
  } catch (error) {
    throw new Error(`${named} ${readProblem(error, variable, file)}`, { cause: error });
  }
  if (content === "") throw new Error(`${named} is empty: write ${file.holds} into it`);
  return content;
}

function readProblem(error: unknown, variable: string, { holds }: FileVariant): string {
  if (isNotFound(error)) return `does not exist: mount it, or set ${variable}`;
  if (error instanceof NotAFileError) {
    const mend = error.message === "it is a directory" ? "the file in it" : `the file that holds ${holds}`;
    return `${error.message.replace(/^it /, "")}: name ${mend}`;
  }
  const mend = "give it the right to, with the mode of the file or of its volume (defaultMode, fsGroup)";
  return isPermissionDenied(error)
    ? `user ${Deno.uid()}, as whom the agent runs, cannot read: ${mend}`
    : `cannot be read (${errorText(error)}): name a file that holds ${holds}`;
}
