import type { Collection } from "mongodb";
import { validDate } from "../../lib/valid_date.ts";
import { isForbidden } from "../mongo_errors.ts";
import type { ServerTime } from "../server/server_time.ts";
import { RANGES, RANGES_ID } from "./ranges_document.ts";

/** Who holds the range that an id is in, and until when. */
export interface HolderOfRange {
  readonly owner: string;
  readonly until: Date;
}

/**
 * The live range that an id is in; undefined if there is none, or if the user may not look. Throws what the driver throws.
 *
 * @param agents the collection of the agents
 */
export async function rangeOf(
  id: unknown,
  { agents, maxTimeMS, time }: { agents: Collection; maxTimeMS: number; time: ServerTime },
): Promise<HolderOfRange | undefined> {
  const holds = {
    $and: [
      { $lt: ["$$this.from", { $literal: id }] },
      { $gte: ["$$this.to", { $literal: id }] },
      { $gt: ["$$this.visible_at", time] },
    ],
  };
  try {
    const [found] = await agents.aggregate([
      { $match: { _id: RANGES_ID as never } },
      { $project: { held: { $filter: { input: RANGES, cond: holds } } } },
    ], { maxTimeMS }).toArray();
    const range = found?.held?.[0];
    const until = validDate(range?.visible_at);
    return until && { owner: String(range.owner), until };
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}
