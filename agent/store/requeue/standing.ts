import type { Document } from "mongodb";
import { LAST_DATE } from "../queries.ts";
import { NOW } from "../server/server_time.ts";

/** What the status of a document is for an agent. */
export type Status = "pending" | "processing" | "processed" | "failed" | "canceled" | "other";

/**
 * Whether a command of an operator may change a document, or why not:
 *
 * - `leased`: an agent holds it under a lease that is not over;
 * - `judged`: it is decided that it is a dead letter, and the agent that takes it finishes that;
 * - `foreign_lease`: its status is `processing` without a lease of an agent: another program works on it;
 * - `foreign_status`: its status is not one of the agent's;
 * - `foreign_pull`: its field `_pull` is not the agent's, and would be lost;
 * - `waiting`: an agent claims it as it is, with no attempts.
 */
export type Standing =
  | "free"
  | "leased"
  | "judged"
  | "foreign_lease"
  | "foreign_status"
  | "foreign_pull"
  | "waiting";

const PULL = { $type: "$_pull" };
const VISIBLE_AT = "$_pull.visible_at";

/** A condition on the status is met by an entry of an array, too, as in the queries of claims. */
function hasStatus(status: string): Document {
  return { $in: [status, { $cond: [{ $isArray: "$status" }, "$status", ["$status"]] }] };
}

function isDate(field: string): Document {
  return { $eq: [{ $type: field }, "date"] };
}

/** The {@linkcode Status} of a document, as an expression for the server. */
export const STATUS: Document = {
  $switch: {
    branches: ["pending", "processing", "processed", "failed", "canceled"].map((status) => ({
      case: hasStatus(status),
      then: status,
    })),
    default: "other",
  },
};

const IS_LEASED = [
  hasStatus("processing"),
  { $ne: [{ $type: "$_pull.token" }, "missing"] },
  // A lease that can never run out is not one that an agent has written.
  isDate(VISIBLE_AT),
  { $lte: [VISIBLE_AT, LAST_DATE] },
  { $gt: [VISIBLE_AT, NOW] },
];

/** Nothing that a run has left: what a producer writes, and what a requeue leaves. */
const IS_NEW_AND_DUE = {
  $and: [
    hasStatus("pending"),
    {
      $or: [
        { $eq: [PULL, "missing"] },
        {
          $and: [
            {
              $setIsSubset: [{ $map: { input: { $objectToArray: "$_pull" }, in: "$$this.k" } }, [
                "visible_at",
              ]],
            },
            {
              $or: [
                { $in: [{ $type: VISIBLE_AT }, ["missing", "null"]] },
                { $and: [isDate(VISIBLE_AT), { $lte: [VISIBLE_AT, NOW] }] },
              ],
            },
          ],
        },
      ],
    },
  ],
};

/**
 * The {@linkcode Standing} of a document, as an expression for the server. A command reads it, and asks for it again in
 * the filter of its write: so it holds at the instant of the write, and not only at that of the read. On a server without
 * `$$NOW` an earlier time takes its place: a lease that has just run out still counts.
 */
export const STANDING: Document = {
  $switch: {
    branches: [
      { case: { $not: [{ $in: [PULL, ["object", "missing"]] }] }, then: "foreign_pull" },
      { case: { $and: IS_LEASED }, then: "leased" },
      {
        case: {
          $and: [{ $or: [hasStatus("pending"), hasStatus("processing")] }, isDate("$_pull.dead_at")],
        },
        then: "judged",
      },
      {
        case: { $and: [hasStatus("processing"), { $eq: [{ $type: "$_pull.token" }, "missing"] }] },
        then: "foreign_lease",
      },
      { case: { $eq: [STATUS, "other"] }, then: "foreign_status" },
      { case: IS_NEW_AND_DUE, then: "waiting" },
    ],
    default: "free",
  },
};
