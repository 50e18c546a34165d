import type { Environment } from "../../agent/settings/environment.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { printable } from "../../agent/text/terminal_text.ts";
import { type DeadLetter, letterJson } from "../../agent/store/dead_letters/stored_letter.ts";
import type { DeadLetterQuery } from "../../agent/store/dead_letters/letter_query.ts";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import { checkedSettings } from "./checked_settings.ts";
import { lastingStore } from "./command_store.ts";
import { LettersRun, type LettersRunOptions } from "./dead_letters_run.ts";
import { summarize } from "./dead_letters_summary.ts";
import { letterLine } from "./letter_line.ts";
import { storeFailure } from "./store_failure.ts";
import { limitOf } from "./unasked_limit.ts";
import { typedFilter } from "./typed_filter.ts";

/** What to do with which dead letters, from the command line. */
export interface LettersTask {
  act: "list" | "show" | "summary" | "redrive" | "purge";
  /** The ids as they were typed; without ids, all letters. */
  ids: readonly string[] | undefined;
  /** Extended JSON. */
  filter: string | undefined;
  limit: number | undefined;
  /** Letters that are changed in a second, at most. */
  perSecond: number | undefined;
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
  const asked: Asked = {
    ids,
    limit,
    filter: task.filter === undefined ? undefined : typedFilter(task.filter),
  };
  const { settings } = checkedSettings(env);
  const store = lastingStore(settings);
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
  { act, asJson, isDry, isNewestFirst, perSecond }: LettersTask,
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
    case "redrive":
    case "purge":
      return await change(box, { act, isDry, perSecond }, asked);
  }
}

const UNSORTED =
  "There are too many letters to sort them: they come in the order of their ids. With an index on " +
  "dead_at the oldest comes first";

/** The letters to work on. */
interface Chosen {
  letters: AsyncIterable<DeadLetter> | Iterable<DeadLetter>;
  /** There was none for an id that was given. */
  isShort: boolean;
}

async function chosen(box: LettersForCommands, { ids, limit, ...query }: Asked): Promise<Chosen> {
  if (!ids) {
    const order = await box.order();
    if (order.by === "id") remarks.say(UNSORTED);
    return { letters: box.list({ ...query, limit, order }), isShort: false };
  }
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
  for (const query of queries) others += await box.countOthers(query) ?? 0;
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
    await answers.print(asJson ? letterJson(letter) : letterLine(letter));
  }
  await answers.finish();
  if (!asJson) remarks.say(count === 1 ? "1 dead letter" : `${count} dead letters`);
  return isShort ? 1 : 0;
}

async function show({ letters, isShort }: Chosen): Promise<number> {
  for await (const letter of letters) await answers.print(letterJson(letter, 2));
  return isShort ? 1 : 0;
}

/** How letters are changed. */
type Change = Pick<LettersRunOptions, "act" | "isDry" | "perSecond">;

async function change(box: LettersForCommands, how: Change, asked: Asked): Promise<number> {
  const { limit, total } = asked.ids
    ? { limit: asked.limit, total: undefined }
    : await counted(box, how, asked);
  const { isShort, letters } = await chosen(box, { ...asked, limit, removeStale: !how.isDry });
  const status = await new LettersRun(box, { ...how, total }).make(letters);
  return status || (isShort ? 1 : 0);
}

/** Says how many letters are selected; returns how many of them may be changed, and the less of both. */
async function counted(
  box: LettersForCommands,
  { act, isDry }: Change,
  { filter, limit }: Asked,
): Promise<{ limit: number | undefined; total: number | undefined }> {
  const total = await box.count({ filter });
  if (total === undefined) remarks.say("The letters that are selected cannot be counted in 5 s");
  else remarks.say(total === 1 ? "1 letter is selected" : `${total} letters are selected`);
  const most = isDry ? limit : limitOf(limit, { total, what: "letters", act: `${act} them` });
  return { limit: most, total: total === undefined ? undefined : Math.min(total, most ?? total) };
}
