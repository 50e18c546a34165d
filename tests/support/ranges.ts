/**
 * Stores that hold new documents by ranges.
 *
 * @module
 */

import type { StoreSettings } from "../../agent/store/store_settings.ts";
import type { TestDatabase } from "./mongod.ts";
import { type AnyDocument, COLLECTION, LONG_AGO, openStore, type TestStore } from "./store.ts";

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

/** A store in range mode, with a name of its own. */
export function open(database: TestDatabase, settings: Partial<StoreSettings> = {}): TestStore {
  const { filter: _, ...rest } = { filter: undefined, ...settings };
  return openStore(database, { claimMode: "range", agentName: crypto.randomUUID(), ...rest });
}
