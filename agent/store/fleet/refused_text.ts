import { errorText } from "../../errors.ts";
import { shortened } from "../../text/shortened.ts";
import { inOneLine } from "../../text/terminal_text.ts";

/** Why something is not shown to operators: the server has answered with an error. */
export function refusedText(error: unknown): string {
  return `the server refuses it (${inOneLine(shortened(errorText(error), 200))})`;
}
