import { BSON, type Document } from "mongodb";
import { RawDocument } from "../documents/raw_document.ts";
import { survivesRoundTrip } from "../documents/round_trip_id.ts";
import { holdersOf, type RangeOfOptions } from "../ranges/range_of.ts";
import { atTime, type ServerTime } from "../server/server_time.ts";
import { STANDING, type Standing, STATUS, type Status } from "./standing.ts";

/** What a command of an operator knows of a document before it writes on it. */
export interface KnownDocument {
  readonly id: unknown;
  readonly status: Status;
  /** `unnameable`: JavaScript cannot hold its `_id` unchanged, so that no write can name it. */
  readonly standing: Standing | "unnameable";
  /** It is pending without bookkeeping: an agent may hold it in a range. */
  readonly isNew: boolean;
}

/** The fields that {@linkcode knownIn} reads, as a projection. */
export function knownFields(time: ServerTime): Document {
  return { _id: 1, status: STATUS, standing: atTime(STANDING, time), pull: { $type: "$_pull" } };
}

/** Reads such a document, and gives the other fields that the projection has. */
export function knownIn(bytes: Uint8Array): { known: KnownDocument; fields: Document } {
  const raw = new RawDocument(bytes);
  // A regular expression that JavaScript cannot hold must not keep the other documents from being read.
  const fields = BSON.deserialize(bytes, { bsonRegExp: true, validation: { utf8: false } });
  const { pull, standing, status } = fields;
  const isNew = status === "pending" && pull === "missing";
  return {
    known: { id: raw.id, status, standing: survivesRoundTrip(raw) ? standing : "unnameable", isNew },
    fields,
  };
}

/**
 * The same documents; those that an agent holds in a range are `leased`, too, with the agent as their `owner`. Throws what
 * the driver throws.
 */
export async function withRanges<T extends KnownDocument>(
  found: readonly T[],
  options: RangeOfOptions,
): Promise<T[]> {
  const waiting = found.filter(({ isNew, standing }) => isNew && standing === "waiting");
  const holders = await holdersOf(waiting.map(({ id }) => id), options);
  const held = new Map(waiting.map((each, at) => [each, holders[at]]));
  return found.map((each) => {
    const holder = held.get(each);
    return holder ? { ...each, standing: "leased", owner: holder.owner } : each;
  });
}
