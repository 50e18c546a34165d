import { errorText, PermanentError } from "../errors.ts";
import type { HandlerResult } from "../settling/outcome.ts";
import { isPlain } from "./exact_copy.ts";
import { kindOf } from "./kind_of.ts";
import { isSettledRecord, returnedFailure } from "./returned_failure.ts";
import { setFields } from "./set_fields.ts";
import { nearSnoozeOf, snoozeMsOf } from "./snooze.ts";

/** What has a meaning in a result. */
const MEANT = ["set", "snoozeMs"];
/** What may stand beside it: an answer that says that it is a success. */
const MAY_STAND = [...MEANT, "ok", "success"];

/** So many names of an ignored object are logged, at most. */
const MAX_IGNORED = 10;

/** Names that are meant to be `set`. */
const NEAR_SET = ["set", "sets", "sett", "seet", "ste"];

/**
 * How a document's processing ended, by what its processor returned. A value that shows that something is wrong is a
 * failure. `{ set: { ... } }` names fields to be written with the ack, `{ snoozeMs }` puts the document off. Any other value means success. Never throws.
 */
export async function resultOf(returned: unknown): Promise<HandlerResult> {
  if (!isList(returned)) return judged(returned);
  // Work that was begun together: if one part failed, the document is not processed.
  const entries = returned.some(isThenable) ? await Promise.allSettled(returned) : returned;
  for (const entry of entries) {
    const failure = isFailedPart(entry) ? returnedFailure(entry) : undefined;
    if (failure) return { ok: false, error: failure.error };
  }
  return { ok: true };
}

/** A list may hold documents, whose fields are their own. So only fields count that no document has. */
function isFailedPart(entry: unknown): boolean {
  try {
    if (typeof entry !== "object" || entry === null) return false;
    return isSettledRecord(entry) || !isPlain(entry) || (entry as { ok?: unknown }).ok === false;
  } catch {
    return false;
  }
}

/**
 * How a batch ended for each of its `count` documents, by what its processor returned. A wrong entry is the failure of
 * its own document.
 *
 * @throws {Error} If that is not an array with an entry per document: it is not known which entry belongs to which.
 */
export async function entriesOf(returned: unknown, count: number): Promise<HandlerResult[]> {
  if (!Array.isArray(returned) || returned.length !== count) {
    throw new Error(
      `processBatch must return an array with an entry for each of its ${count} documents, not ${
        kindOf(returned)
      }`,
    );
  }
  return await settledEntries(returned);
}

/** Entries may be promises: those of `documents.map(async ...)` without `Promise.all`. */
async function settledEntries(entries: readonly unknown[]): Promise<HandlerResult[]> {
  if (!entries.some(isThenable)) return Array.from(entries, (_, index) => entryOf(entries, index));
  // After an await, nothing tells that an entry was a hole.
  const holes = Array.from(entries, (_, index) => !(index in entries));
  const settled = await Promise.allSettled(entries);
  return settled.map((record, index) => holes[index] ? missing(index) : judged(record));
}

function entryOf(entries: readonly unknown[], index: number): HandlerResult {
  return index in entries ? judged(entries[index]) : missing(index);
}

function missing(index: number): HandlerResult {
  return { ok: false, error: new Error(`The processor returned an array without an entry ${index}`) };
}

function judged(returned: unknown): HandlerResult {
  try {
    const failure = returnedFailure(returned);
    if (failure) return { ok: false, error: failure.error };
    if (typeof returned === "function") {
      throw new PermanentError(
        "The processor returned a function, which the agent does not call: call it, and await it",
      );
    }
    if (typeof returned !== "object" || returned === null) return { ok: true };
    if (isSettledRecord(returned)) return judged((returned as { value: unknown }).value);
    refuseWhatHasNotRun(returned);
    const ignored = ignoredFields(returned);
    return ignored === undefined ? { ok: true, ...resultFields(returned) } : { ok: true, ignored };
  } catch (error) {
    if (error instanceof PermanentError) return { ok: false, error };
    return {
      ok: false,
      error: new PermanentError(`The processor's result cannot be read: ${errorText(error)}`),
    };
  }
}

/** A generator, an iterator or a cursor does nothing until its values are read, and the agent does not read them. */
function refuseWhatHasNotRun(returned: object): void {
  const { next } = returned as { next?: unknown };
  if (typeof next !== "function" || !(Symbol.iterator in returned || Symbol.asyncIterator in returned)) {
    return;
  }
  throw new PermanentError(
    `The processor returned an iterator (${
      kindOf(returned)
    }), whose work begins when its values are asked for, ` +
      "and the agent does not: write `async function`, not `function*`, and await what is to be done",
  );
}

/**
 * The names of a plain object that means nothing to the agent, although the user may have wanted it to be written;
 * undefined for all other values. The answer of another program, such as the database, is often passed on by habit: it
 * counts as success.
 */
function ignoredFields(returned: object): string[] | undefined {
  if (!isPlain(returned)) return undefined;
  const keys = Object.keys(returned);
  refuseNearMisses(returned, keys);
  const isAnswer = keys.some((key) => key.startsWith("$") || key === "acknowledged");
  const isMeant = keys.some((key) => MEANT.includes(key));
  if (isAnswer || isMeant || keys.every((key) => MAY_STAND.includes(key))) return undefined;
  return keys.slice(0, MAX_IGNORED);
}

function resultFields(returned: object) {
  const { set, snoozeMs } = returned as { set?: unknown; snoozeMs?: unknown };
  // A Map, Headers, or the client of some store: `set` is its method, not a result.
  if (!isPlain(returned) && typeof set === "function") return undefined;
  const waitMs = snoozeMsOf(snoozeMs, set);
  return waitMs === undefined ? setFields(set) : { snoozeMs: waitMs };
}

/**
 * A processor that returns one of these means an update. Other names with a dollar belong to the answers of other
 * programs, such as the `$metadata` of a cloud's client.
 */
const UPDATE_OPERATORS = new Set([
  ...["$set", "$unset", "$setOnInsert", "$rename", "$inc", "$mul", "$min", "$max", "$currentDate", "$bit"],
  ...["$push", "$pull", "$pullAll", "$pop", "$addToSet"],
]);

/** Names that are logged, at most. */
const MAX_NAMES = 5;

function refuseNearMisses(returned: object, keys: readonly string[]): void {
  const wrong = keys.find((key) =>
    UPDATE_OPERATORS.has(key) || (key !== "set" && NEAR_SET.includes(key.toLowerCase()))
  );
  if (wrong !== undefined) {
    throw new PermanentError(
      `The processor returned "${wrong}": fields to be written stand under "set", { set: { ... } }`,
    );
  }
  const nearSnooze = nearSnoozeOf(returned);
  if (nearSnooze !== undefined) {
    throw new PermanentError(
      `The processor returned "${nearSnooze}": to put the document off, return { snoozeMs: 60_000 }, in milliseconds`,
    );
  }
  const meant = MEANT.find((key) => keys.includes(key));
  if (meant === undefined) return;
  const others = keys.filter((key) => !MAY_STAND.includes(key));
  if (others.length === 0) return;
  // All of them: they often come together, for example if a driver's answer was spread.
  const names = others.slice(0, MAX_NAMES).map((name) => `"${name}"`).join(", ");
  throw new PermanentError(
    `The processor returned ${names} beside "${meant}", which means nothing to the agent: return { ${meant}: ${
      meant === "set" ? "{ ... }" : "60_000"
    } } alone`,
  );
}

function isList(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

function isThenable(value: unknown): boolean {
  try {
    return typeof value === "object" && value !== null &&
      typeof (value as { then?: unknown }).then === "function";
  } catch {
    return false;
  }
}
