import { MinKey } from "mongodb";
import { idKey } from "../documents/id_key.ts";

/** The `_id` of the document that holds the ranges of a collection, among the entries of its agents. */
export const RANGES_ID = "ranges";

/** Before all ids. */
export const BEGINNING: MinKey = new MinKey();

/** Whether two ids are the same. */
export function isSameId(one: unknown, other: unknown): boolean {
  return idKey(one) === idKey(other);
}

/** Its ranges; none if a user has made the document. */
export const RANGES = { $cond: [{ $isArray: "$ranges" }, "$ranges", []] };
