import { BSON, type Document } from "mongodb";
import { RawDocument } from "../documents/raw_document.ts";
import { survivesRoundTrip } from "../documents/round_trip_id.ts";
import { atTime, type ServerTime } from "../server/server_time.ts";
import { STANDING, type Standing, STATUS, type Status } from "./standing.ts";

/** What a command of an operator knows of a document before it writes on it. */
export interface KnownDocument {
  readonly id: unknown;
  readonly status: Status;
  /** `unnameable`: JavaScript cannot hold its `_id` unchanged, so that no write can name it. */
  readonly standing: Standing | "unnameable";
}

/** The fields that {@linkcode knownIn} reads, as a projection. */
export function knownFields(time: ServerTime): Document {
  return { _id: 1, status: STATUS, standing: atTime(STANDING, time) };
}

/** Reads such a document, and gives the other fields that the projection has. */
export function knownIn(bytes: Uint8Array): { known: KnownDocument; fields: Document } {
  const raw = new RawDocument(bytes);
  // A regular expression that JavaScript cannot hold must not keep the other documents from being read.
  const fields = BSON.deserialize(bytes, { bsonRegExp: true, validation: { utf8: false } });
  const { standing, status } = fields;
  return {
    known: { id: raw.id, status, standing: survivesRoundTrip(raw) ? standing : "unnameable" },
    fields,
  };
}
