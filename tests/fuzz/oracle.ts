/**
 * Judges what an agent has made of its documents, by their bytes alone: it shares no code with the agent.
 *
 * @module
 */

import { type BsonElement, elementNamed, elementsOf, sameBytes } from "../support/raw_bson.ts";
import { SET_FIELD, type Task } from "./work.ts";

/** Fields that the agent writes; all others are the user's. */
const OF_THE_AGENT = ["status", "_pull", "error", "processed_at"];

/** What became of one document. */
export interface Fate {
  task: Task;
  /** As it was before the agent started, read from the server. */
  before: Uint8Array;
  /** As it is now; undefined if it is gone. */
  after: Uint8Array | undefined;
  letter: Uint8Array | undefined;
  /** Runs of its handler. */
  runs: number;
  /** Writes that its handler asked for, and that were made. */
  effects: number;
}

/** What is known of a run besides the documents. */
export interface Circumstances {
  maxAttempts: number;
  /** How many pending documents the agent has reported as those that it cannot take. */
  toldOf: number;
  /** How many it has reported as those that the database refuses to change. */
  refused: number;
  /** Leases that the agent has lost or given up: so many handlers may have run once more. */
  leasesLost: number;
  /** Whether nothing but a handler can make a document fail: no fault and no rule says that one is refused. */
  onlyHandlersFail?: boolean;
}

/** A sentence for each invariant that is broken. */
export function judge(
  fates: readonly Fate[],
  { maxAttempts, toldOf, refused, leasesLost, onlyHandlersFail }: Circumstances,
): string[] {
  const broken: string[] = [];
  const left: Fate[] = [];
  for (const fate of fates) {
    const { task, before, after, runs } = fate;
    const say = (what: string) => broken.push(`${what} (document ${task.number}, plan ${task.plan})`);
    if (after === undefined) {
      say("A document is lost");
      continue;
    }
    const isDone = statusOf(before) !== "processed" && statusOf(after) === "processed";
    const due = task.plan === "write" && isDone ? 1 : 0;
    if (fate.effects !== due) say(`A document has ${fate.effects} effects instead of ${due}`);
    for (const what of changes(before, after)) say(what);
    if (runs > maxAttempts + leasesLost) say(`A handler ran ${runs} times, MAX_ATTEMPTS is ${maxAttempts}`);
    const [was, is] = [statusOf(before), statusOf(after)];
    if (was !== "pending") {
      if (runs > 0 && !isList(before)) say(`A document was processed whose status was ${was}`);
      continue;
    }
    if (is === "processed") broken.push(...judgeProcessed(fate, say));
    else if (is === "failed") {
      judgeFailed(fate, say);
      if (onlyHandlersFail && !mayFail(fate, maxAttempts)) say("A document failed without reason");
    } else if (is === "pending" && isScheduled(after)) continue;
    else if (is === "pending" || is === "processing") left.push(fate);
    else say(`A document stays ${is}`);
  }
  for (const [state, told] of [["pending", toldOf], ["processing", refused]] as const) {
    const those = left.filter(({ after }) => statusOf(after!) === state);
    if (those.length <= told) continue;
    const numbers = those.map(({ task }) => task.number).join(", ");
    broken.push(
      `Documents stay ${state}, and the agent does not tell of all: ${numbers}; it tells of ${told}`,
    );
  }
  return broken;
}

/** Whether nothing more is to be expected of the agent for a document, or nothing is asked of it. */
export function isSettled(document: Uint8Array): boolean {
  const status = statusOf(document);
  return status === "processed" || status === "failed" || (status === "pending" && isScheduled(document)) ||
    (status !== "pending" && status !== "processing");
}

function judgeProcessed({ task, after, runs }: Fate, say: (what: string) => void): string[] {
  if (runs === 0) say("A document is processed that no handler has seen");
  if (task.plan === "fail" || task.plan === "fail for good") {
    say("A document is processed whose handler failed");
  }
  if (elementNamed(after!, "processed_at")?.type !== 0x09) say("A processed document has no processed_at");
  const set = elementNamed(after!, SET_FIELD);
  if (task.plan === "set" && set?.type !== 0x10) {
    say("A processed document lacks the field that its handler set");
  }
  const pull = elementNamed(after!, "_pull");
  const kept = pull?.type === 0x03 ? elementsOf(pull.value).map(({ name }) => text(name)).join() : "nothing";
  if (kept !== "attempts") say(`A processed document keeps bookkeeping: ${kept}`);
  return [];
}

function mayFail({ task: { plan }, runs }: Fate, maxAttempts: number): boolean {
  return plan === "fail" || plan === "fail for good" ||
    (plan === "fail once" && (maxAttempts === 1 || runs > 2));
}

function judgeFailed({ before, after, letter }: Fate, say: (what: string) => void): void {
  if (letter === undefined) return say("A document is failed and has no dead letter");
  // A name may stand twice in what a user inserts: the lease is the first of them, and the others are not the agent's.
  if (tokensOf(after!) > Math.max(0, tokensOf(before) - 1)) say("A failed document is leased");
  const copy = elementNamed(letter, "document")!;
  const isReference = elementNamed(letter, "by_reference") !== undefined;
  const [source, copied] = [after!, copy.value].map(userFields) as [BsonElement[], BsonElement[]];
  const expected = isReference ? source.filter(({ name }) => text(name) === "_id") : source;
  for (const what of differences(expected, copied)) {
    say(`A dead letter's document is not its source: ${what}`);
  }
}

/** How many tokens of leases stand in a document. */
function tokensOf(document: Uint8Array): number {
  const pull = elementNamed(document, "_pull");
  return pull?.type === 0x03 ? elementsOf(pull.value).filter(({ name }) => text(name) === "token").length : 0;
}

/** What was changed that is not the agent's. */
function changes(before: Uint8Array, after: Uint8Array): string[] {
  const fields = userFields(after).filter(({ name }) => text(name) !== SET_FIELD);
  return differences(userFields(before), fields).map((what) => `A field of the user's was changed: ${what}`);
}

function differences(expected: BsonElement[], found: BsonElement[]): string[] {
  for (let at = 0; at < Math.max(expected.length, found.length); at++) {
    const [one, other] = [expected[at], found[at]];
    if (
      one && other && one.type === other.type && sameBytes(one.name, other.name) &&
      sameBytes(one.value, other.value)
    ) {
      continue;
    }
    return [`${shown(one)} became ${shown(other)}`];
  }
  return [];
}

function userFields(document: Uint8Array): BsonElement[] {
  return elementsOf(document).filter(({ name }) => !OF_THE_AGENT.includes(text(name)));
}

/** The status as text, or a description if it is not text. For a server a symbol is text. */
export function statusOf(document: Uint8Array): string {
  const status = elementNamed(document, "status");
  if (status?.type !== 0x02 && status?.type !== 0x0e) return status ? `of type ${status.type}` : "missing";
  return text(status.value.subarray(4, -1));
}

/** A query for a status finds it in a list, too. */
function isList(document: Uint8Array): boolean {
  return elementNamed(document, "status")?.type === 0x04;
}

/** Whether it is due at some time to come, by a date. */
function isScheduled(document: Uint8Array): boolean {
  const pull = elementNamed(document, "_pull");
  if (pull?.type !== 0x03) return false;
  const at = elementNamed(pull.value, "visible_at");
  if (at?.type !== 0x09) return false;
  return new DataView(at.value.buffer, at.value.byteOffset).getBigInt64(0, true) >
    BigInt(Date.now() + 30_000);
}

function shown(element: BsonElement | undefined): string {
  if (!element) return "nothing";
  const value = element.value.subarray(0, 40).toHex();
  return `${JSON.stringify(text(element.name))} type 0x${element.type.toString(16)} = ${value}`;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
