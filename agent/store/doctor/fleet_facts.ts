import type { Collection, Document, Filter } from "mongodb";
import type { FleetControl } from "../../fleet/fleet_view.ts";
import type { UnusableControl } from "../../fleet/unusable_control.ts";
import { validDate } from "../../lib/valid_date.ts";
import { CONTROL_ID, controlIn, MARK } from "../fleet/control_document.ts";
import { isOfOthers } from "../fleet/registry_of_others.ts";
import { filterText } from "../ranges/filter_text.ts";
import { isFar, MODE_LEASE_MS } from "../ranges/mode_times.ts";
import { liveInDocumentMode } from "../ranges/live_agents.ts";
import { NO_MODE, THE_RANGES } from "../ranges/ranges_document.ts";
import type { ServerTime } from "../server/server_time.ts";

/** What the collection of the fleet's agents holds. */
export interface FleetFacts {
  /** Whether it holds documents that no agent has written: then agents write nothing into it. */
  readonly isOfOthers: boolean;
  /** What the operators want of all agents; undefined if they have asked for nothing. */
  readonly control: FleetControl | UnusableControl | undefined;
  /** How agents claim new documents now, or would if there were any; undefined if none does. */
  readonly claimMode: string | undefined;
  /** Whether they claim by range, with another `FILTER`. */
  readonly hasOtherFilter: boolean;
  /** Until when the mode stands, if that is further ahead than agents take it; undefined otherwise. */
  readonly modeUntilFar: Date | undefined;
  /** Until when agents wait for leases, because the document of the ranges was removed; undefined if they do not. */
  readonly waitsUntil: Date | undefined;
}

/** Reads it. Throws what the driver throws. */
export async function fleetFacts(
  collection: Collection,
  { filter, maxTimeMS, time }: {
    filter: Filter<Document> | undefined;
    maxTimeMS: number;
    time: ServerTime;
  },
): Promise<FleetFacts> {
  const [control, others, inDocumentMode, [ranges]] = await Promise.all([
    collection.findOne({ _id: CONTROL_ID as never, ...MARK }, { maxTimeMS }),
    isOfOthers(collection, maxTimeMS),
    collection.findOne(liveInDocumentMode(time), { projection: { _id: 1 }, maxTimeMS }),
    collection.aggregate([
      { $match: THE_RANGES },
      { $project: { mode: 1, filter: 1, mode_until: 1, isLive: { $gt: ["$mode_until", time] }, now: time } },
    ], { maxTimeMS }).toArray(),
  ]);
  const idle = inDocumentMode ? "document" : undefined;
  const until = ranges?.isLive ? validDate(ranges.mode_until) : undefined;
  const isRemoved = ranges?.mode === NO_MODE;
  const claimMode = until && !isRemoved ? String(ranges!.mode) : idle;
  const isFarAhead = until !== undefined && !isRemoved &&
    isFar(until, { now: ranges!.now, longestMs: MODE_LEASE_MS });
  return {
    control: control ? controlIn(control) : undefined,
    isOfOthers: others,
    claimMode,
    modeUntilFar: isFarAhead ? until : undefined,
    waitsUntil: isRemoved ? until : undefined,
    hasOtherFilter: claimMode === "range" && (ranges?.filter ?? undefined) !== filterText(filter),
  };
}
