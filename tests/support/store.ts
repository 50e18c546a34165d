/**
 * Stores on databases of tests: the agent's own, wired as the agent wires it.
 *
 * @module
 */

import type { Collection, Document } from "mongodb";
import type { Details } from "../../agent/details.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import type { Claim, LeasedDocument } from "../../agent/ports.ts";
import { parseSourceFilter } from "../../agent/store/filter.ts";
import { MongoStore } from "../../agent/store/mongo_store.ts";
import { Abilities } from "../../agent/store/server/abilities.ts";
import { NOW } from "../../agent/store/server/server_time.ts";
import type { StoreServer } from "../../agent/store/server/store_server.ts";
import type { StoreSettings } from "../../agent/store/store_settings.ts";
import type { TestDatabase } from "./mongod.ts";

/** The collection that stores of tests pull from, unless they say otherwise. */
export const COLLECTION = "jobs";
/** Where their dead letters go. */
export const LETTERS = "jobs_dead_letters";
/** A server that lacks nothing. */
export const MONGODB: StoreServer = {
  abilities: new Abilities(),
  time: NOW,
  latestTime: () => Promise.resolve(NOW),
};
/** A date that has passed by any clock, and that is due. */
export const LONG_AGO = new Date(1000);

const MIB = 1024 * 1024;

/** A store that `await using` closes. */
export class TestStore extends MongoStore implements AsyncDisposable {
  readonly settings: StoreSettings;

  constructor(settings: StoreSettings, filter?: string, surroundings: Surroundings = {}) {
    super(
      settings,
      filter === undefined ? undefined : parseSourceFilter(filter),
      { ...SYSTEM, ...surroundings },
    );
    this.settings = settings;
  }

  /** Claims up to `documents`, by the limits that the agent sets. */
  take(documents = 100): Promise<Claim> {
    return this.claim({ documents, bytes: 16 * MIB });
  }

  /** Claims one document. @throws {Error} if there is none, or more are left */
  async takeOne(): Promise<LeasedDocument> {
    const { documents } = await this.take();
    if (documents.length !== 1) throw new Error(`Claimed ${documents.length} documents instead of one`);
    return documents[0]!;
  }

  /** Claims one suspect; undefined if there is none, or another agent was faster. */
  async takeSuspect(): Promise<LeasedDocument | undefined> {
    return (await this.claimSuspect()).documents[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Settings of a store on `database`, by the defaults of the settings that matter to it. */
function storeSettings(
  database: Pick<TestDatabase, "uri" | "name">,
  overrides: Partial<StoreSettings> = {},
): StoreSettings {
  return {
    agentName: "agent-under-test",
    deadLetterCollection: LETTERS,
    leaseMs: 60_000,
    maxAttempts: 5,
    mongodbCollection: COLLECTION,
    mongodbDatabase: database.name,
    mongodbUri: database.uri,
    readBack: "contended",
    ...overrides,
  };
}

/** What a store has around it: `details` gets what takes time, and `clock` may be a test's. */
interface Surroundings {
  clock?: Clock;
  details?: Details;
}

/** Opens a store on `database`; `filter` is what `FILTER` says. */
export function openStore(
  database: Pick<TestDatabase, "uri" | "name">,
  { clock, details, filter, ...overrides }: Partial<StoreSettings> & Surroundings & { filter?: string } = {},
): TestStore {
  const surroundings = { ...(clock && { clock }), ...(details && { details }) };
  return new TestStore(storeSettings(database, overrides), filter, surroundings);
}

/** Makes the indexes that claims need, and the collection first if it is not there: a store makes none. */
export async function makeIndexes(database: TestDatabase, store: MongoStore): Promise<void> {
  if (!await database.db.listCollections({ name: COLLECTION }).hasNext()) {
    await database.db.createCollection(COLLECTION);
  }
  await store.ensureIndexes();
}

/** The collection that the stores of `database` pull from; ids of any type. */
export function jobs(database: TestDatabase): Collection<AnyDocument> {
  return database.db.collection<AnyDocument>(COLLECTION);
}

/** The collection of their dead letters. */
export function letters(database: TestDatabase): Collection<AnyDocument> {
  return database.db.collection<AnyDocument>(LETTERS);
}

/** A document with any `_id`: the driver's types know ObjectIds alone. */
// deno-lint-ignore no-explicit-any
export type AnyDocument = any;

/** Lets the leases on documents run out, as if their holders had been gone for long. */
export async function expireLeases(
  collection: Collection<AnyDocument>,
  filter: Document = {},
): Promise<void> {
  await collection.updateMany({ ...filter, status: "processing" }, {
    $set: { "_pull.visible_at": LONG_AGO },
  });
}

/** Makes retries due that wait for their backoff. */
export async function makeDue(collection: Collection<AnyDocument>, filter: Document = {}): Promise<void> {
  await collection.updateMany({
    ...filter,
    status: "pending",
    "_pull.visible_at": { $exists: true },
  }, { $set: { "_pull.visible_at": LONG_AGO } });
}

/** The ids of claimed documents, in their order. */
export function idsOf(claimed: Claim | readonly LeasedDocument[]): unknown[] {
  const documents = "documents" in claimed ? claimed.documents : claimed;
  return documents.map(({ id }) => id);
}

/** Documents `{ _id: from }` to `{ _id: from + count - 1 }`, pending, with `fields`. */
export function pending(count: number, { from = 0, ...fields }: Document = {}): AnyDocument[] {
  return Array.from({ length: count }, (_, index) => ({ _id: from + index, status: "pending", ...fields }));
}
