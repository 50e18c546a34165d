/**
 * Entries of a fleet's registry, as agents write them.
 *
 * @module
 */

import type { Document } from "mongodb";
import type { TestDatabase } from "./mongod.ts";
import type { AnyDocument } from "./store.ts";

/** What differs from an agent that is alive and runs. */
export interface EntryOptions extends Document {
  name?: string;
  /** How long ago it was seen, in milliseconds. */
  silentMs?: number;
  /** How long ago it has started, in milliseconds. */
  ageMs?: number;
  uuid?: string;
}

/** Writes the entry of an agent; returns its `_id`. */
export async function insertEntry(
  { db }: Pick<TestDatabase, "db">,
  collection: string,
  { ageMs = 3_600_000, name = "agent", silentMs = 0, uuid = crypto.randomUUID(), ...fields }: EntryOptions =
    {},
): Promise<string> {
  const now = Date.now();
  const startedAt = new Date(now - ageMs);
  const _id = `${startedAt.toISOString()} ${uuid}`;
  await db.collection<AnyDocument>(collection).insertOne({
    _id,
    registry: "pulling-agent",
    name,
    version: "1.2.3",
    commit: "abc",
    mode: "document",
    started_at: startedAt,
    seen_at: new Date(now - silentMs),
    lives_ms: 50_000,
    state: "running",
    ready: true,
    control: { state: "running", source: "start", since: startedAt },
    held: 0,
    running: 0,
    counters: { processed: 7 },
    working: true,
    share: 0,
    ...fields,
  });
  return _id;
}
