import { documentKey } from "../../agent/store/documents/document_key.ts";

/** A longer key would not fit into the address of a request, in UTF-16 units. */
const MAX_KEY = 6000;

/** The text by which a viewer names a document; null if no text does, or if it is too long to be sent. */
export function shownKey(id: unknown): string | null {
  const key = documentKey(id);
  return key === undefined || key.length > MAX_KEY ? null : key;
}
