import { errorText, PermanentError } from "../errors.ts";
import type { HandlerResult } from "../settling/outcome.ts";
import { isPlain } from "./exact_copy.ts";
import { kindOf } from "./kind_of.ts";
import { isSettledRecord, returnedFailure } from "./returned_failure.ts";
import { setFields } from "./set_fields.ts";
import { nearSnoozeOf, snoozeMsOf } from "./snooze.ts";
import { effectWrites, type ResultScope } from "./writes/effect_writes.ts";
import { refuseNearWrites } from "./writes/near_writes.ts";

/** What has a meaning in a result, and how it looks. */
const EXAMPLES: Record<string, string> = { set: "{ ... }", writes: "[ ... ]", snoozeMs: "60_000" };
const MEANT = Object.keys(EXAMPLES);
/** What may stand beside it: an answer that says that it is a success. */
const MAY_STAND = [...MEANT, "ok", "success"];

/** So many names of an ignored object are logged, at most. */
const MAX_IGNORED = 10;

/** Names that are meant to be `set`. */
const NEAR_SET = ["set", "sets", "sett", "seet", "ste"];

/**
 * How a document's processing ended, by what its processor returned. A value that shows that something is wrong is a
 * failure. `{ set: { ... } }` names fields to be written with the ack, `{ writes: [ ... ] }` other writes to be made with
 * it, `{ snoozeMs }` puts the document off. Any other value means success. Never throws.
 */
export async function resultOf(returned: unknown, scope: ResultScope): Promise<HandlerResult> {
  if (!isList(returned)) return judged(returned, scope);
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
 * How a batch ended for each of its documents, by what its processor returned. A wrong entry is the failure of its own
 * document.
 *
 * @throws {Error} If that is not an array with an entry per document: it is not known which entry belongs to which.
 */
export async function entriesOf(
  returned: unknown,
  scopes: readonly ResultScope[],
): Promise<HandlerResult[]> {
  if (!Array.isArray(returned) || returned.length !== scopes.length) {
    throw new Error(
      `processBatch must return an array with an entry for each of its ${scopes.length} documents, not ${
        kindOf(returned)
      }`,
    );
  }
  return await settledEntries(returned, scopes);
}

/** Entries may be promises: those of `documents.map(async ...)` without `Promise.all`. */
async function settledEntries(
  entries: readonly unknown[],
  scopes: readonly ResultScope[],
): Promise<HandlerResult[]> {
  // After an await, nothing tells that an entry was a hole.
  const holes = scopes.map((_, index) => !(index in entries));
  const settled = entries.some(isThenable) ? await Promise.allSettled(entries) : entries;
  return scopes.map((scope, index) => holes[index] ? missing(index) : judged(settled[index], scope));
}

function missing(index: number): HandlerResult {
  return { ok: false, error: new Error(`The processor returned an array without an entry ${index}`) };
}

function judged(returned: unknown, scope: ResultScope): HandlerResult {
  try {
    const failure = returnedFailure(returned);
    if (failure) return { ok: false, error: failure.error };
    if (typeof returned === "function") {
      throw new PermanentError(
        "The processor returned a function, which the agent does not call: call it, and await it",
      );
    }
    if (typeof returned !== "object" || returned === null) return { ok: true };
    if (isSettledRecord(returned)) return judged((returned as { value: unknown }).value, scope);
    refuseWhatHasNotRun(returned);
    const ignored = ignoredFields(returned);
    return ignored === undefined ? { ok: true, ...resultFields(returned, scope) } : { ok: true, ignored };
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

function resultFields(returned: object, scope: ResultScope) {
  const { set, writes, snoozeMs } = returned as { set?: unknown; writes?: unknown; snoozeMs?: unknown };
  // A Map, Headers, or the client of some store: these are its methods, not a result.
  if (!isPlain(returned) && [set, writes].some((each) => typeof each === "function")) return undefined;
  const waitMs = snoozeMsOf(snoozeMs, { set, writes });
  if (waitMs !== undefined) return { snoozeMs: waitMs };
  const fields = setFields(set);
  const asked = effectWrites(writes, scope);
  if (!asked) return fields && { set: fields.set, resultBytes: fields.bytes };
  return {
    ...(fields && { set: fields.set }),
    writes: asked.writes,
    resultBytes: asked.bytes + (fields?.bytes ?? 0),
  };
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
  refuseNearWrites(returned);
  const meant = MEANT.find((key) => keys.includes(key));
  if (meant === undefined) return;
  const others = keys.filter((key) => !MAY_STAND.includes(key));
  if (others.length === 0) return;
  // All of them: they often come together, for example if a driver's answer was spread.
  const names = others.slice(0, MAX_NAMES).map((name) => `"${name}"`).join(", ");
  throw new PermanentError(
    `The processor returned ${names} beside "${meant}", which means nothing to the agent: return { ${meant}: ${
      EXAMPLES[meant]
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
