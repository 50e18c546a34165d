import { errorText } from "../../agent/errors.ts";
import { validDate } from "../../agent/lib/valid_date.ts";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";

/** A dead letter as a line for people. */
export function letterLine({ _id, attempts, dead_at, error }: DeadLetter): string {
  // A user may have edited the letter: it can hold anything.
  const what = inOneLine(errorText(error ?? "").slice(0, 500)).slice(0, 100);
  const when = validDate(dead_at)?.toISOString() ?? "(no date)";
  return `${when}  ${formatId(_id)}  ${attemptsOf(attempts)}  ${what}`;
}

function attemptsOf(attempts: unknown = 0): string {
  return attempts === 1 ? "1 attempt" : `${formatId(attempts)} attempts`;
}
