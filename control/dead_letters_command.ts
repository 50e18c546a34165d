import { chunks } from "../agent/chunks.ts";
import { CommandError, errorText, UsageError } from "../agent/errors.ts";
import type { Environment } from "../agent/load_settings.ts";
import { inOneLine } from "../agent/printable.ts";
import { redactor } from "../agent/redact.ts";
import { formatId } from "../agent/store/format_id.ts";
import { parseFilter } from "../agent/store/filter.ts";
import { type Letter, type LetterBox, letterJson, type LetterQuery } from "../agent/store/letter_box.ts";
import { isMongoError, isRefused } from "../agent/store/mongo_errors.ts";
import { MongoStore } from "../agent/store/mongo_store.ts";
import { checkedSettings } from "./checked_settings.ts";
import type { CommandLine } from "./command_line.ts";

/** Letters changed between two lines that say how far it is. */
const PROGRESS_EVERY = 1000;
/** Letters changed at the same time. */
const AT_ONCE = 10;

/**
 * Lists, shows, redrives or purges dead letters; returns the exit status.
 *
 * @throws {UsageError} Where the settings or the arguments cannot be used.
 */
export async function deadLetters(line: CommandLine, env: Environment): Promise<number> {
  const query = queryOf(line);
  const { settings } = await checkedSettings((name) => name === "PROCESSOR" ? undefined : env(name));
  const store = new MongoStore(settings);
  try {
    const box = await store.letterBox();
    const [asJson, isDry] = [line.flags.includes("json"), line.flags.includes("dry-run")];
    const letters = box.list({ ...query, removeStale: !isDry });
    await mentionOthers(box, line.word === "show" ? { id: line.operand } : query);
    switch (line.word) {
      case "list":
        return await list(box.list({ ...query, whole: asJson }), asJson);
      case "show":
        return await show(box.list({ id: line.operand, whole: true }));
      case "redrive":
        return await change("redriven", letters, isDry, (letter) => box.redrive(letter));
      default:
        return await change("purged", letters, isDry, (letter) => box.remove(letter));
    }
  } catch (error) {
    if (!(isMongoError(error))) throw error;
    const problem = inOneLine(redactor(settings.mongodbUri)(errorText(error)));
    throw new CommandError(`dead-letters ${line.word} failed: ${problem}`);
  } finally {
    await store.close();
  }
}

function queryOf({ word, flags, options }: CommandLine): LetterQuery {
  const { id, filter, limit } = options;
  const chosen = [id !== undefined, filter !== undefined, flags.includes("all")].filter(Boolean).length;
  if (chosen > 1) throw new UsageError("--id, --filter and --all exclude each other: give one of them");
  if ((word === "redrive" || word === "purge") && chosen === 0) {
    throw new UsageError(`dead-letters ${word} needs to know which: give --id ID, --filter JSON or --all`);
  }
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit)) {
    throw new UsageError(`--limit is ${JSON.stringify(limit)}: must be a whole number from 1`);
  }
  return {
    id,
    filter: filter === undefined ? undefined : filterOf(filter),
    limit: limit ? Number(limit) : undefined,
  };
}

function filterOf(text: string) {
  try {
    return parseFilter(text);
  } catch (error) {
    throw new UsageError(`--filter ${(error as Error).message}`);
  }
}

async function mentionOthers(box: LetterBox, query: LetterQuery): Promise<void> {
  const others = await box.countOthers(query);
  if (others === 0) return;
  const letters = others === 1
    ? "1 letter of another collection is"
    : `${others} letters of other collections are`;
  console.error(`${letters} left alone: every collection needs a DEAD_LETTER_COLLECTION of its own`);
}

async function list(letters: AsyncIterable<Letter>, asJson: boolean): Promise<number> {
  let count = 0;
  for await (const letter of letters) {
    count += 1;
    console.log(asJson ? letterJson(letter) : lineOf(letter));
  }
  if (!asJson) console.error(`${count} dead letters`);
  return 0;
}

function lineOf({ _id, attempts, dead_at, error }: Letter): string {
  // Somebody may have edited the letter: anything can stand in it.
  const what = inOneLine(errorText(error ?? "").slice(0, 500)).slice(0, 100);
  const when = dead_at instanceof Date && !isNaN(dead_at.getTime()) ? dead_at.toISOString() : "(no date)";
  return `${when}  ${formatId(_id)}  ${formatId(attempts ?? 0)} attempts  ${what}`;
}

async function show(letters: AsyncIterable<Letter>): Promise<number> {
  let found = false;
  for await (const letter of letters) {
    found = true;
    console.log(letterJson(letter, 2));
  }
  if (!found) console.error("There is no dead letter with this id");
  return found ? 0 : 1;
}

async function change(
  done: string,
  letters: AsyncIterable<Letter>,
  isDry: boolean,
  act: (letter: Letter) => Promise<boolean>,
): Promise<number> {
  let [count, passed, refused] = [0, 0, 0];
  const one = async (letter: Letter) => {
    if (isDry) console.log(lineOf(letter));
    try {
      if (!isDry && !await act(letter)) return passed += 1;
    } catch (error) {
      if (!isRefused(error)) throw error;
      console.error(`${formatId(letter._id)} was refused: ${inOneLine(errorText(error))}`);
      return refused += 1;
    }
    count += 1;
    if (count % PROGRESS_EVERY === 0 && !isDry) console.error(`${count} ${done} so far`);
  };
  for await (const some of chunks(letters, AT_ONCE)) await Promise.all(some.map(one));
  const others = passed > 0 ? `; ${passed} had changed meanwhile and were passed over` : "";
  console.error(isDry ? `${count} would be ${done}` : `${count} ${done}${others}`);
  return refused > 0 ? 1 : 0;
}
