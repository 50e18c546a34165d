import type { Document, Filter } from "mongodb";
import type { Found } from "./found.ts";
import { notSince } from "./selection.ts";
import { atTime, type ServerTime } from "../server/server_time.ts";
import { STANDING, STATUS, type Status } from "./standing.ts";

/** Statuses of documents that no agent holds or judges. */
const AT_REST: readonly Status[] = ["processed", "failed", "canceled"];

/**
 * Matches a document only if its status, its {@linkcode Standing} and its verdict are as they were found. The server asks
 * for them at the instant of the write.
 *
 * @param before one that has run at this time or later, or was canceled then, does not match
 */
export function asFound(
  { deadAt, id, isOneStatus, standing, status }: Found,
  before: Date | undefined,
  time: ServerTime,
): Filter<Document> {
  const verdict = deadAt === undefined
    ? { $ne: [{ $type: "$_pull.dead_at" }, "date"] }
    : { $eq: ["$_pull.dead_at", deadAt] };
  const isPlain = isOneStatus && standing === "free" && AT_REST.includes(status);
  const state = isPlain
    ? freeAtRest(status)
    : [{ $eq: [STATUS, status] }, { $eq: [atTime(STANDING, time), standing] }];
  return {
    _id: { $eq: id } as never,
    $expr: { $and: [...state, verdict] },
    ...(before && notSince(before, isPlain ? status : undefined)),
  };
}

/**
 * The same as the status and the standing `free`, for a document with this status and no other: to read the whole
 * expressions costs a server five times as much as the rest of the write.
 */
function freeAtRest(status: Status): Document[] {
  return [{ $eq: ["$status", status] }, { $in: [{ $type: "$_pull" }, ["object", "missing"]] }];
}
