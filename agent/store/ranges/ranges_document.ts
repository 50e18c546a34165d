import { type Document, type Filter, MinKey } from "mongodb";
import { ClaimModeError } from "../../errors.ts";
import { validDate } from "../../lib/valid_date.ts";
import { idKey } from "../documents/id_key.ts";
import { MARK } from "../fleet/control_document.ts";

/** The `_id` of the document that holds the ranges of a collection, among the entries of its agents. */
const RANGES_ID = "ranges";

/** The query for that document. */
export const THE_RANGES: Filter<Document> = { _id: RANGES_ID as never, ...MARK };

/** The mode of a document that was made anew after another one was removed, until the leases of that are over. */
export const NO_MODE = null;

/** Before all ids. */
export const BEGINNING: MinKey = new MinKey();

/** What users may have changed in that document so that no agent can go by it. */
export type ChangedField = "filter" | "mode" | "ranges" | "version";

/** The error of an agent that meets a field of that document which agents do not leave so. */
export function changedByUser(field: ChangedField): ClaimModeError {
  return new ClaimModeError(
    `The field "${field}" of the document "ranges", in the collection of the agents, was changed: stop all agents, wait for ` +
      "their leases, and remove the document",
  );
}

/** The field of that document that is not as agents leave it: a user has changed it. */
export function changedIn({ filter = null, mode, ranges = [], version }: Document): ChangedField | undefined {
  if (typeof version !== "string") return "version";
  if (filter !== null && typeof filter !== "string") return "filter";
  if (mode !== "document" && mode !== "range" && mode !== NO_MODE) return "mode";
  return Array.isArray(ranges) && ranges.every(isRange) ? undefined : "ranges";
}

function isRange(range: Document | null): boolean {
  const { from, to, token, visible_at } = range ?? {};
  return from !== undefined && to !== undefined && typeof token === "string" &&
    validDate(visible_at) !== undefined;
}

/** Whether two ids are the same. */
export function isSameId(one: unknown, other: unknown): boolean {
  // Each document of a claim is compared with the beginning.
  if (other instanceof MinKey) return one instanceof MinKey;
  return idKey(one) === idKey(other);
}

/** Ids are compared as in the index of `_id`, also if the collection of the agents has a collation. */
export const BY_BYTES = { collation: { locale: "simple" } } as const;

/** Its ranges; none if a user has made the document. */
export const RANGES = { $cond: [{ $isArray: "$ranges" }, "$ranges", []] };
