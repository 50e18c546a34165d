import type { Collection } from "mongodb";
import { validDate } from "../../lib/valid_date.ts";
import { isForbidden } from "../mongo_errors.ts";
import type { StoreServer } from "../server/store_server.ts";
import { BY_BYTES, RANGES, THE_RANGES } from "./ranges_document.ts";

/** Who holds the range that an id is in, and until when. */
export interface HolderOfRange {
  readonly owner: string;
  readonly until: Date;
}

/**
 * The holders of the live ranges that ids are in, for each of them; undefined if it is in none, or if the user may not
 * look. A new document carries nothing that tells that it is held. Throws what the driver throws.
 */
export async function holdersOf(
  ids: readonly unknown[],
  { agents, maxTimeMS, server: { time } }: RangeOfOptions,
): Promise<readonly (HolderOfRange | undefined)[]> {
  if (ids.length === 0) return [];
  const holds = {
    $and: [
      { $lt: ["$$range.from", "$$id"] },
      { $gte: ["$$range.to", "$$id"] },
      { $gt: ["$$range.visible_at", time] },
    ],
  };
  const range = { $arrayElemAt: [{ $filter: { input: RANGES, as: "range", cond: holds } }, 0] };
  try {
    // A fleet in document mode has none.
    const isRangeThere = { ...THE_RANGES, "ranges.0": { $exists: true } };
    if (await agents.findOne(isRangeThere, { projection: { _id: 1 }, maxTimeMS }) === null) {
      return ids.map(() => undefined);
    }
    const [found] = await agents.aggregate([
      { $match: THE_RANGES },
      { $project: { held: { $map: { input: { $literal: ids }, as: "id", in: range } } } },
    ], { ...BY_BYTES, maxTimeMS }).toArray();
    return ids.map((_, at) => {
      const held = found?.held[at];
      const until = validDate(held?.visible_at);
      return until && { owner: String(held.owner), until };
    });
  } catch (error) {
    if (isForbidden(error)) return ids.map(() => undefined);
    throw error;
  }
}

/** What {@linkcode holdersOf} needs. */
export interface RangeOfOptions {
  /** The collection of the agents. */
  agents: Collection;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  server: Pick<StoreServer, "time">;
}
