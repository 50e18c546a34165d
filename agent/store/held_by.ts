import type { Collection, Document, Filter } from "mongodb";
import type { LeasedDocument } from "../ports.ts";
import { idKey } from "./documents/id_key.ts";
import { MongoLeasedDocument } from "./documents/leased_document.ts";
import { leasedBy } from "./queries.ts";
import { newAmong } from "./ranges/new_documents.ts";

/** Whether a document is held as part of a range: it carries no lease, and any write makes it leave the range. */
export function isInRange(document: LeasedDocument): boolean {
  return document instanceof MongoLeasedDocument && document.range !== undefined;
}

/** Documents that one write can name: those of one claim that are held in the same way. */
export function heldAlike(documents: readonly LeasedDocument[]): LeasedDocument[][] {
  const groups = Map.groupBy(documents, ({ token }) => token).values();
  return [...groups].flatMap((group) => {
    const inRange = group.filter(isInRange);
    if (inRange.length === 0 || inRange.length === group.length) return [group];
    return [inRange, group.filter((document) => !isInRange(document))];
  });
}

/**
 * The filter of every write by the holder of documents that are held alike. A document in a range may get a lease of its
 * own while the write is under way, by the renewal of a checkpoint: that has the token of the range, which no other agent
 * uses.
 */
export function heldBy(documents: readonly LeasedDocument[]): Filter<Document> {
  const ids = documents.map(({ id }) => id);
  const { token } = documents[0]!;
  if (!documents.some(isInRange)) return leasedBy(ids, token);
  const { _id, ...areNew } = newAmong(ids);
  const { _id: _, ...areLeased } = leasedBy(ids, token);
  return { _id: _id!, $or: [areNew, areLeased] } as Filter<Document>;
}

/** The number of the run, if the document does not carry it yet. */
export function attemptOf(document: LeasedDocument, attempt = document.attempt): Document {
  return isInRange(document) ? { "_pull.attempts": attempt } : {};
}

/** Those that this agent still holds. Throws what the driver throws. */
export async function stillHeld(
  documents: readonly LeasedDocument[],
  { collection, maxTimeMS }: { collection: Collection; maxTimeMS: number },
): Promise<Set<LeasedDocument>> {
  const held = new Set<LeasedDocument>();
  for (const group of heldAlike(documents)) {
    const options = { projection: { _id: 1 }, hint: { _id: 1 }, maxTimeMS };
    const found = await collection.find(heldBy(group), options).toArray();
    const ids = new Set(found.map(({ _id }) => idKey(_id)));
    for (const document of group) if (ids.has(idKey(document.id))) held.add(document);
  }
  return held;
}
