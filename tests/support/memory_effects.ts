import type { Document, EffectWrite } from "../../agent/ports.ts";

/** Collections in memory that processors write to, by their name; each has its documents by their `_id`. */
export type MemoryCollections = Map<string, Map<unknown, Document>>;

/**
 * Makes the writes of a document, all or none. Filters name an `_id`, updates are `$set`.
 *
 * @throws {Error} If an `_id` is there already.
 */
export function makeEffects(collections: MemoryCollections, writes: readonly EffectWrite[]): void {
  const changed: MemoryCollections = structuredClone(collections);
  for (const write of writes) {
    if (!changed.has(write.collection)) changed.set(write.collection, new Map());
    makeEffect(changed.get(write.collection)!, write);
  }
  for (const [name, documents] of changed) collections.set(name, documents);
}

function makeEffect(documents: Map<unknown, Document>, write: EffectWrite): void {
  if ("insertOne" in write) {
    const { _id = crypto.randomUUID() } = write.insertOne;
    if (documents.has(_id)) throw new Error(`E11000 duplicate key: ${_id}`);
    documents.set(_id, { ...write.insertOne, _id });
  } else if ("updateOne" in write) {
    const { filter, update } = write.updateOne;
    const stored = documents.get(filter._id);
    if (stored) Object.assign(stored, (update as Document).$set);
  } else if ("replaceOne" in write) {
    const { filter: { _id }, replacement, upsert = false } = write.replaceOne;
    if (documents.has(_id) || upsert) documents.set(_id, { _id, ...replacement });
  } else documents.delete(write.deleteOne.filter._id);
}
