import { shortened } from "../../agent/text/shortened.ts";
import { objectJson } from "../../agent/store/documents/bson_json.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { type LetterGroup, LetterGroups } from "../../agent/store/dead_letters/letter_groups.ts";
import type { DeadLetterQuery } from "../../agent/store/dead_letters/letter_query.ts";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { inOneLine, printable } from "../../agent/text/terminal_text.ts";
import { Progress } from "./command_progress.ts";

/** Groups in a table, at most: JSON has all of them. */
const MAX_SHOWN = 50;
/** This much of an id is shown in a table, in UTF-16 units. */
const MAX_ID = 60;

/** What a summary counts, and how it is printed. */
export interface SummaryTask extends Pick<DeadLetterQuery, "filter"> {
  isNewestFirst: boolean;
  asJson: boolean;
}

/** Prints how many dead letters have the same error. Throws what the driver throws. */
export async function summarize(
  letters: LettersForCommands,
  { filter, isNewestFirst, asJson }: SummaryTask,
): Promise<void> {
  const counted = new LetterGroups();
  const progress = new Progress(remarks);
  for await (const letter of letters.survey({ filter })) {
    counted.add(letter);
    progress.update(`${counted.letters} letters read so far`);
  }
  const groups = counted.sorted(isNewestFirst ? "newest" : "letters");
  const shown = asJson ? groups : groups.slice(0, MAX_SHOWN);
  if (!asJson && groups.length > 0) {
    await answers.print(
      columns("LETTERS", "FIRST", "LAST", "ERROR (# IS A NUMBER OR AN ID), AND AN EXAMPLE"),
    );
  }
  for (const group of shown) await answers.print(asJson ? groupJson(group) : groupLine(group));
  await answers.finish();
  if (asJson) return;
  const more = groups.length > shown.length
    ? `, of which ${shown.length} are shown: --json prints all of them`
    : "";
  remarks.say(
    `${counted.letters} dead ${counted.letters === 1 ? "letter" : "letters"} with ${groups.length} ${
      groups.length === 1 ? "error" : "different errors"
    }${more}`,
  );
}

function groupLine({ letters, first, last, pattern, example }: LetterGroup): string {
  const id = formatId(example.id);
  const shown = shortened(id, MAX_ID);
  return columns(
    String(letters),
    dateText(first),
    dateText(last),
    `${printable(pattern)} (as ${inOneLine(shown)})`,
  );
}

function groupJson({ letters, first, last, pattern, example }: LetterGroup): string {
  return objectJson({ letters, first, last, pattern, example_id: example.id, example_error: example.error });
}

function dateText(date: Date | undefined): string {
  return date?.toISOString() ?? "(no date)";
}

function columns(letters: string, first: string, last: string, error: string): string {
  return [letters.padStart(8), first.padEnd(24), last.padEnd(24), error].join("  ");
}
