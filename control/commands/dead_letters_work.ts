import { validDate } from "../../agent/lib/valid_date.ts";
import { chunks } from "../../agent/lib/chunks.ts";
import { errorText, UsageError } from "../../agent/errors.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { inOneLine, printable } from "../../agent/text/terminal_text.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { parseFilter } from "../../agent/store/filter.ts";
import { type DeadLetter, letterJson } from "../../agent/store/dead_letters/stored_letter.ts";
import type {
  DeadLetterQuery,
  LettersForCommands,
} from "../../agent/store/dead_letters/letters_for_commands.ts";
import { isRefused } from "../../agent/store/mongo_errors.ts";
import { MongoStore } from "../../agent/store/mongo_store.ts";
import { Interruption } from "../interruption.ts";
import { checkedSettings } from "./checked_settings.ts";
import { Progress } from "./command_progress.ts";
import { summarize } from "./dead_letters_summary.ts";
import { storeFailure } from "./store_failure.ts";

/** Letters changed at the same time. */
const AT_ONCE = 10;

/** What to do with which dead letters, from the command line. */
export interface LettersTask {
  act: "list" | "show" | "summary" | "redrive" | "purge";
  /** The ids as they were typed; without ids, all letters. */
  ids: readonly string[] | undefined;
  /** Extended JSON. */
  filter: string | undefined;
  limit: number | undefined;
  /** The errors of the newest letters come first in a summary. */
  isNewestFirst: boolean;
  /** Print what would be done, and do nothing. */
  isDry: boolean;
  asJson: boolean;
}

/** The letters to work on. */
interface Asked extends Omit<DeadLetterQuery, "id"> {
  ids: readonly string[] | undefined;
}

/**
 * Lists, shows, counts, redrives or purges dead letters; returns the exit status.
 *
 * @throws {UsageError} if the settings or the filter cannot be used.
 * @throws {CommandError} if the database refuses, or is out of reach.
 */
export async function workOnLetters(task: LettersTask, env: Environment): Promise<number> {
  const { ids, limit } = task;
  const asked: Asked = { ids, limit, filter: task.filter === undefined ? undefined : filterOf(task.filter) };
  const { settings } = checkedSettings(env);
  const store = new MongoStore(settings);
  try {
    await store.source.look();
    const box = await store.forCommands.letters();
    const status = await carryOut(task, asked, box);
    // To count them, the database reads all letters: a timeout of that must not decide about the work. An operator who
    // has interrupted the work does not want to wait for it, either.
    if (status < 128) await mentionOthers(box, asked).catch(() => {});
    return status;
  } catch (error) {
    throw storeFailure(`dead-letters ${task.act}`, error);
  } finally {
    await store.close();
  }
}

async function carryOut(
  { act, asJson, isDry, isNewestFirst }: LettersTask,
  asked: Asked,
  box: LettersForCommands,
): Promise<number> {
  switch (act) {
    case "list":
      return await list(await chosen(box, { ...asked, whole: asJson }), asJson);
    case "show":
      return await show(await chosen(box, { ...asked, whole: true }));
    case "summary":
      await summarize(box, { filter: asked.filter, isNewestFirst, asJson });
      return 0;
    case "redrive": {
      const letters = await chosen(box, { ...asked, removeStale: !isDry });
      return await change("redriven", letters, isDry, (letter) => box.redrive(letter));
    }
    case "purge": {
      const letters = await chosen(box, { ...asked, removeStale: !isDry });
      return await change("purged", letters, isDry, (letter) => box.remove(letter));
    }
  }
}

function filterOf(text: string): DeadLetterQuery["filter"] {
  try {
    return parseFilter(text);
  } catch (error) {
    throw new UsageError(`--filter ${(error as Error).message}`, { cause: error });
  }
}

/** The letters to work on. */
interface Chosen {
  letters: AsyncIterable<DeadLetter> | Iterable<DeadLetter>;
  /** There was none for an id that was given. */
  isShort: boolean;
}

async function chosen(box: LettersForCommands, { ids, limit, ...query }: Asked): Promise<Chosen> {
  if (!ids) return { letters: box.list({ ...query, limit }), isShort: false };
  // People may type the same id in several ways.
  const found = new Map<string, DeadLetter>();
  let isShort = false;
  for (const id of ids) {
    const some = await Array.fromAsync(box.list({ ...query, id }));
    for (const letter of some) found.set(letterJson(letter), letter);
    if (some.length > 0) continue;
    isShort = true;
    remarks.say(`There is no dead letter with the id ${printable(JSON.stringify(id))}`);
  }
  return { letters: [...found.values()].slice(0, limit), isShort };
}

async function mentionOthers(box: LettersForCommands, { ids, filter }: Asked): Promise<void> {
  const queries = ids ? ids.map((id) => ({ id })) : [{ filter }];
  let others = 0;
  for (const query of queries) others += await box.countOthers(query);
  if (others === 0) return;
  const letters = others === 1
    ? "1 letter of another collection is"
    : `${others} letters of other collections are`;
  remarks.say(`${letters} left alone: every collection needs a DEAD_LETTER_COLLECTION of its own`);
}

async function list({ letters, isShort }: Chosen, asJson: boolean): Promise<number> {
  let count = 0;
  for await (const letter of letters) {
    count += 1;
    await answers.print(asJson ? letterJson(letter) : lineOf(letter));
  }
  await answers.finish();
  if (!asJson) remarks.say(count === 1 ? "1 dead letter" : `${count} dead letters`);
  return isShort ? 1 : 0;
}

function lineOf({ _id, attempts, dead_at, error }: DeadLetter): string {
  // A user may have edited the letter: it can hold anything.
  const what = inOneLine(errorText(error ?? "").slice(0, 500)).slice(0, 100);
  const when = validDate(dead_at)?.toISOString() ?? "(no date)";
  return `${when}  ${formatId(_id)}  ${attemptsOf(attempts)}  ${what}`;
}

function attemptsOf(attempts: unknown = 0): string {
  return attempts === 1 ? "1 attempt" : `${formatId(attempts)} attempts`;
}

async function show({ letters, isShort }: Chosen): Promise<number> {
  for await (const letter of letters) await answers.print(letterJson(letter, 2));
  return isShort ? 1 : 0;
}

async function change(
  done: string,
  { letters, isShort }: Chosen,
  isDry: boolean,
  act: (letter: DeadLetter) => Promise<boolean>,
): Promise<number> {
  // A dry run changes nothing: a signal ends it, even while it waits for the reader of its lines.
  const interruption = isDry ? undefined : new Interruption();
  const progress = new Progress(remarks);
  let [count, passed, refused] = [0, 0, 0];
  const one = async (letter: DeadLetter) => {
    if (isDry) await answers.print(lineOf(letter));
    try {
      if (!isDry && !await act(letter)) return passed += 1;
    } catch (error) {
      if (!isRefused(error)) throw error;
      remarks.say(`${formatId(letter._id)} was refused: ${inOneLine(errorText(error))}`);
      return refused += 1;
    }
    count += 1;
  };
  const report = (rest = "") => {
    const others = passed > 0 ? `; ${passed} had changed meanwhile and were passed over` : "";
    remarks.say(`${count} ${isDry ? `would be ${done}` : done}${rest}${others}`);
  };
  try {
    for await (const some of chunks(letters, AT_ONCE)) {
      if (interruption?.signal) break;
      // All have to end before the result can be reported.
      const results = await Promise.allSettled(some.map(one));
      for (const result of results) if (result.status === "rejected") throw result.reason;
      if (interruption?.signal) break;
      if (!isDry) progress.update(`${count} ${done} so far`);
    }
  } catch (error) {
    report(" before it failed");
    throw error;
  }
  await answers.finish();
  report(interruption?.signal && ` before ${interruption.signal}: there may be more`);
  return interruption?.status || (refused > 0 || isShort ? 1 : 0);
}
