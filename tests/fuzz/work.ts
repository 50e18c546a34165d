/**
 * What an agent under trial is given to do: documents as bytes, and for each how its handler takes it.
 *
 * @module
 */

import { integerFrom, pick } from "../support/random.ts";
import { bsonDocument, type BsonElement, elementNamed, elementsOf, utf8 } from "../support/raw_bson.ts";
import { shorter } from "./shrink.ts";

/** How a handler takes its document. */
export type Plan = "succeed" | "set" | "write" | "fail" | "fail once" | "fail for good" | "slow";

const PLANS: Plan[] = ["succeed", "succeed", "set", "write", "fail", "fail once", "fail for good", "slow"];

/** A document and its plan. */
export interface Task {
  /** Its number in the document's field {@linkcode NUMBER}. */
  number: number;
  bytes: Uint8Array<ArrayBuffer>;
  plan: Plan;
}

/** Settings of the agent that matter to its work. */
export interface WorkSettings {
  batchSize: number;
  concurrency: number;
  maxAttempts: number;
  readBack: "contended" | "always";
}

/** The field by which a handler, and the judge, know a document: `_id` may be anything. */
export const NUMBER = "fuzz";
/** The field that the plan `set` writes. */
export const SET_FIELD = "fuzz_set";

/** The collection that the plan `write` inserts into: a document with the number. */
export const EFFECTS = "fuzz_effects";

/** Numbers a document. */
export function task(random: () => number, number: number, bytes: Uint8Array): Task {
  const numbered: BsonElement = { type: 0x10, name: utf8(NUMBER), value: int32(number) };
  return { number, bytes: bsonDocument([...elementsOf(bytes), numbered]), plan: pick(random, PLANS) };
}

/** The number of a document that {@linkcode task} made. */
export function numberOf(document: Uint8Array): number {
  const value = elementNamed(document, NUMBER)?.value;
  if (value?.length !== 4) throw new Error(`A document has no number: ${document.toHex()}`);
  return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
}

export function randomSettings(random: () => number): WorkSettings {
  return {
    batchSize: pick(random, [1, 2, 7, 20, 100]),
    concurrency: pick(random, [1, 3, 16]),
    maxAttempts: integerFrom(random, 1, 3),
    readBack: pick(random, ["contended", "always"]),
  };
}

/** Fewer tasks, then tasks with fewer fields. */
export function* fewerTasks(tasks: readonly Task[]): Iterable<Task[]> {
  yield* shorter(tasks);
  if (tasks.length > 3) return;
  for (const [at, each] of tasks.entries()) {
    const elements = elementsOf(each.bytes);
    for (const [dropped, { name }] of elements.entries()) {
      if (["_id", "status", NUMBER].includes(new TextDecoder().decode(name))) continue;
      const bytes = bsonDocument(elements.filter((_, index) => index !== dropped));
      yield tasks.map((other, index) => index === at ? { ...each, bytes } : other);
    }
    if (each.plan !== "succeed") {
      yield tasks.map((other, index) => index === at ? { ...each, plan: "succeed" as const } : other);
    }
  }
}

/** A task in a report: its bytes, which can be inserted again, and its elements. */
export function taskText({ bytes, plan }: Task): string {
  const elements = elementsOf(bytes).map(({ type, name, value }) => {
    const shown = value.length > 60
      ? `${value.subarray(0, 60).toHex()}... (${value.length} bytes)`
      : value.toHex();
    return `${JSON.stringify(new TextDecoder().decode(name))} type 0x${type.toString(16)} = ${shown}`;
  });
  const hex = bytes.length <= 1000 ? bytes.toHex() : `${bytes.length} bytes`;
  return `plan ${plan}: ${hex}\n  ${elements.join("\n  ")}`;
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}
