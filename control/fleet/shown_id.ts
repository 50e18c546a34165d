import { formatId } from "../../agent/store/documents/format_id.ts";
import { shortened } from "../../agent/text/shortened.ts";

/** This much of an id is shown, in UTF-16 units: an `_id` may have megabytes. */
const MAX_ID = 200;

/** An `_id` for people, among others. */
export function shownId(id: unknown): string {
  return shortened(formatId(id), MAX_ID);
}
