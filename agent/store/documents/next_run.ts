import { BSON, type Document } from "mongodb";
import { elementNamed } from "./bson_elements.ts";
import { MongoLeasedDocument } from "./leased_document.ts";
import { RawDocument } from "./raw_document.ts";

/**
 * A document as its processor would get it at its next run, with no lease behind it. A pending document counts its next
 * attempt. One in processing counts the attempt of its lease, which the agent that takes it over inherits. Any other
 * document has to be set back to pending first, and begins anew.
 */
export function nextRunOf(bytes: Uint8Array, namespace: string): MongoLeasedDocument {
  const found = new RawDocument(bytes);
  const { attempts } = found.bookkeeping ?? {};
  // An array matches a query if one of its values does.
  const statuses: unknown[] = [found.peek()?.status].flat();
  if (statuses.includes("pending")) return leased(found, namespace, (attempts ?? 0) + 1);
  if (statuses.includes("processing")) return leased(found, namespace, attempts ?? 1);
  return leased(new RawDocument(withoutField(bytes, "_pull")), namespace, 1);
}

/**
 * The same of a document that is in no database. One without an `_id` gets one, as if it was inserted. Throws what the
 * driver throws if MongoDB cannot hold the document.
 */
export function nextRunOfNew(document: Document, namespace: string): MongoLeasedDocument {
  const whole = "_id" in document ? document : { _id: new BSON.ObjectId(), ...document };
  return nextRunOf(BSON.serialize(whole), namespace);
}

function leased(raw: RawDocument, namespace: string, attempt: number): MongoLeasedDocument {
  return new MongoLeasedDocument(raw, namespace, { token: "", sentAtMs: 0, attempt, isSuspect: false });
}

/** The document without a field, byte for byte. */
function withoutField(bytes: Uint8Array, name: string): Uint8Array {
  const whole = elementNamed(bytes, name)?.whole;
  if (whole === undefined) return bytes;
  const start = whole.byteOffset - bytes.byteOffset;
  const rest = new Uint8Array(bytes.length - whole.length);
  rest.set(bytes.subarray(0, start));
  rest.set(bytes.subarray(start + whole.length), start);
  new DataView(rest.buffer).setInt32(0, rest.length, true);
  return rest;
}
