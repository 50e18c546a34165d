/**
 * Stores that hold new documents by ranges.
 *
 * @module
 */

import type { TestDatabase } from "./mongod.ts";
import { type AnyDocument, COLLECTION, idsOf, jobs, LONG_AGO, openStore, type TestStore } from "./store.ts";
import { waitFor } from "./wait.ts";

/** The document of the ranges. */
export async function control(database: TestDatabase): Promise<AnyDocument> {
  return await agents(database).findOne({ _id: "ranges" });
}

/** The collection of the agents. */
export function agents(database: TestDatabase) {
  return database.db.collection<AnyDocument>(`${COLLECTION}_agents`);
}

/** Lets all ranges run out, as if their holders had been gone for long. */
export async function expireRanges(database: TestDatabase): Promise<void> {
  await agents(database).updateOne({ _id: "ranges" }, { $set: { "ranges.$[].visible_at": LONG_AGO } });
}

/** Claims and acks until nothing is left; returns the ids. */
export async function processAll(store: TestStore, documents = 100): Promise<unknown[]> {
  const ids: unknown[] = [];
  for (;;) {
    const claim = await store.take(documents);
    await store.ack(claim.documents.map((document) => ({ document })));
    ids.push(...idsOf(claim));
    if (!claim.hasMore) return ids;
  }
}

/** How many documents there are of each status. */
export async function statuses(database: TestDatabase): Promise<Record<string, number>> {
  const found = await jobs(database).aggregate([{ $sortByCount: "$status" }]).toArray();
  return Object.fromEntries(found.map(({ _id, count }) => [_id, count]));
}

/** Lets the lease of the mode run out. */
export async function endMode(database: TestDatabase): Promise<void> {
  await agents(database).updateOne({ _id: "ranges" }, { $set: { mode_until: LONG_AGO } });
}

/** Waits until agents hold so many ranges: they are dropped in the background. */
export async function untilRanges(database: TestDatabase, count: number): Promise<void> {
  await waitFor(`${count} ranges`, async () => (await control(database)).ranges.length === count);
}

/** From now on the documents are as a validator wants them. */
export async function validate(database: TestDatabase, validator: AnyDocument): Promise<void> {
  await database.db.command({ collMod: COLLECTION, validator });
}

/** A store in range mode, with a name of its own. */
export function open(
  database: Pick<TestDatabase, "name" | "uri">,
  settings: Parameters<typeof openStore>[1] = {},
): TestStore {
  const { filter: _, ...rest } = { filter: undefined, ...settings };
  return openStore(database, { claimMode: "range", agentName: crypto.randomUUID(), ...rest });
}
