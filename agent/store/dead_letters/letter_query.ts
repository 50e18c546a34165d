import type { Document, Filter } from "mongodb";
import { possibleIds } from "../documents/parse_id.ts";
import type { LetterOrder } from "./letter_order.ts";

/** Which letters are meant. */
export interface DeadLetterQuery {
  /** As people type it: an ObjectId's digits, Extended JSON, or text. */
  id?: string | undefined;
  /** A query on the letters. */
  filter?: Filter<Document> | undefined;
  /** At most this many. */
  limit?: number | undefined;
  /** With their documents, which may be large. */
  whole?: boolean;
  /** Remove the stale letters that are met. */
  removeStale?: boolean;
  /** How they are read, if that is known already. */
  order?: LetterOrder | undefined;
}

/** A query for these letters, whosever they are. */
export function meant({ id, filter = {} }: DeadLetterQuery): Filter<Document> {
  return id === undefined ? filter : { $and: [{ _id: { $in: possibleIds(id) as never[] } }, filter] };
}
