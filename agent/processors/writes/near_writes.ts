import { PermanentError } from "../../errors.ts";

/** Names of writes in other programs, without case, `_` and what counts documents, and what they are here. */
const MEANT: Record<string, string> = {
  insert: "insertOne",
  create: "insertOne",
  add: "insertOne",
  update: "updateOne",
  upsert: "updateOne",
  replace: "replaceOne",
  delete: "deleteOne",
  remove: "deleteOne",
};

/** The kind of write that a name is meant to be, such as `insert_one` or `updateMany`; undefined if it is none. */
export function meantKind(name: string): string | undefined {
  const word = name.replaceAll(/[_\s-]/g, "").toLowerCase().replace(/(one|many|document|documents)$/, "");
  return Object.hasOwn(MEANT, word) ? MEANT[word] : undefined;
}

/** Names that are meant to be `writes`. */
const MISSPELT = /^w(ri|ir)te?s?$/i;
/** Names that may be, if they hold what looks like a write. */
const OTHER_WORDS = /^(effects?|operations?|ops|bulk_?write|inserts?|updates?)$/i;

/**
 * Refuses an object that asks for writes in a way that would be ignored.
 *
 * @throws {PermanentError} If it does so.
 */
export function refuseNearWrites(returned: object): void {
  for (const [name, value] of Object.entries(returned)) {
    if (name === "writes" || typeof value !== "object" || value === null) continue;
    const isOne = isWrite(returned) && meantKind(name) !== undefined;
    if (!isOne && !MISSPELT.test(name) && !(OTHER_WORDS.test(name) && holdsWrites(value))) continue;
    throw new PermanentError(
      `The processor returned "${name}": writes to other documents stand under "writes", ` +
        "{ writes: [{ collection, insertOne: { ... } }] }",
    );
  }
}

function holdsWrites(value: object): boolean {
  return isWrite(value) || (Array.isArray(value) && value.some(isWrite));
}

function isWrite(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    typeof (value as { collection?: unknown }).collection === "string";
}
