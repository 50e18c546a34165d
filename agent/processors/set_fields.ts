import type { Document } from "../ports.ts";
import { type CopyOptions, ExactCopy, isPlain } from "./exact_copy.ts";
import { kindOf } from "./kind_of.ts";
import { resultRefusal as refusal } from "./result_refusal.ts";

/** Fields that only the agent writes. */
const RESERVED = new Set(["_id", "_pull", "status", "processed_at", "error"]);

/** Fields to be written with an ack. */
export interface SetFields {
  readonly set: Document;
  /** Their size as BSON. */
  readonly bytes: number;
}

const COPY: CopyOptions = {
  whole: "set",
  maxBytes: 16 * 1024 * 1024,
  tooLarge: "is larger than 16 MiB, which no document may be",
};

/**
 * A copy of the fields under `set`, to be written as it is, with its size; undefined if there are none.
 *
 * @throws {PermanentError} When `set` is not an object of plain field names, names a field of the agent's, or holds a
 * value that cannot be written as it is.
 */
export function setFields(set: unknown): SetFields | undefined {
  if (set === undefined || set === null) return undefined;
  if (typeof set !== "object" || !isPlain(set)) {
    throw refusal(`"set" must be a plain object of fields, not ${kindOf(set)}`);
  }
  const names = Object.keys(set);
  for (const name of names) checkName(name);
  checkOverlaps(names);
  if (Object.getOwnPropertySymbols(set).length > 0) {
    throw refusal(`"set" has a symbol for a name: write text`);
  }
  const copy = new ExactCopy(COPY);
  const fields: Document = {};
  for (const name of names) copy.field(name, set, fields);
  return Object.keys(fields).length > 0 ? { set: fields, bytes: copy.sizeBytes } : undefined;
}

function checkName(name: string): void {
  const parts = name.split(".");
  if (RESERVED.has(parts[0]!)) throw refusal(`the field "${parts[0]}" belongs to the agent`);
  if (parts.some((part) => part === "" || part.startsWith("$"))) {
    throw refusal(`"${name}" is not a field name`);
  }
}

/** If both a field and a part of it are given, the server takes only one. */
function checkOverlaps(names: readonly string[]): void {
  if (!names.some((name) => name.includes("."))) return;
  const all = new Set(names);
  for (const name of names) {
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const outer = name.slice(0, dot);
      if (all.has(outer)) throw refusal(`"${name}" is a part of "${outer}": write one of the two`);
    }
  }
}
