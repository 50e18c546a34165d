import type { Document } from "../ports.ts";
import { errorText, PermanentError } from "../errors.ts";
import type { HandlerResult } from "../outcome.ts";

/** Fields that only the agent writes. */
const RESERVED = new Set(["_id", "_pull", "status", "processed_at", "error"]);

/**
 * The fields that a processor's return value asks to be written with the ack: those of `{ set: { ... } }`, and none
 * for any other value.
 *
 * @throws {PermanentError} Where `set` is not an object of plain field names, or names a field of the agent's: the
 * processor has a bug that no retry mends.
 */
export function fieldsToSet(returned: unknown): Document | undefined {
  if (typeof returned !== "object" || returned === null || !("set" in returned)) return undefined;
  const set = returned.set;
  if (set === undefined || set === null) return undefined;
  if (typeof set !== "object" || ![Object.prototype, null].includes(Object.getPrototypeOf(set))) {
    throw new PermanentError(`Cannot write the processor's result: "set" must be a plain object of fields`);
  }
  const fields = Object.keys(set);
  for (const field of fields) {
    const root = field.split(".", 1)[0]!;
    if (RESERVED.has(root)) {
      throw new PermanentError(
        `Cannot write the processor's result: the field "${root}" belongs to the agent`,
      );
    }
    if (field === "" || field.split(".").some((part) => part === "" || part.startsWith("$"))) {
      throw new PermanentError(`Cannot write the processor's result: "${field}" is not a field name`);
    }
  }
  return fields.length > 0 ? set as Document : undefined;
}

/**
 * How a batch ended for each of its `count` documents, by what its processor returned.
 *
 * @throws {Error} Where that is no array with an entry a document: nobody could tell which entry is whose.
 */
export function entriesOf(returned: unknown, count: number): HandlerResult[] {
  if (!Array.isArray(returned) || returned.length !== count) {
    const what = Array.isArray(returned) ? `an array of ${returned.length}` : errorText(returned);
    throw new Error(
      `processBatch must return an array with an entry for each of its ${count} documents, not ${what}`,
    );
  }
  return Array.from(returned, (entry): HandlerResult => {
    if (entry instanceof Error) return { ok: false, error: entry };
    try {
      return { ok: true, set: fieldsToSet(entry) };
    } catch (error) {
      return { ok: false, error };
    }
  });
}
