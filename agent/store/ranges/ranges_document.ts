import { MinKey } from "mongodb";

/** The `_id` of the document that holds the ranges of a collection, among the entries of its agents. */
export const RANGES_ID = "ranges";

/** Before all ids. */
export const BEGINNING: MinKey = new MinKey();

/** Its ranges; none if a user has made the document. */
export const RANGES = { $cond: [{ $isArray: "$ranges" }, "$ranges", []] };
