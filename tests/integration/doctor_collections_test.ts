import { assertEquals } from "@std/assert";
import { assertMended, type Broken } from "../support/broken_setups.ts";
import { Patient } from "../support/doctor.ts";
import { testDatabase } from "../support/mongod.ts";
import { COLLECTION, jobs, LETTERS, letters, makeIndexes, openStore, pending } from "../support/store.ts";

const ENGLISH = { locale: "en", strength: 1 };

/** Collections, and their rules, that do not go with the agent. */
const BROKEN: Record<string, Broken> = {
  "no collection of a name that is nearly right": {
    setUp: ({ db }) => db.createCollection("job"),
    isBare: true,
    is: "no_collection",
    level: "stops",
    says: /^There is no collection jobs in the database .*: did you mean job\?/,
  },
  "no collection of a name that a shell would take apart": {
    isBare: true,
    setUp: ({ db }) => db.createCollection('it\'s "one"; `HOME`'),
    env: { MONGODB_COLLECTION: 'it\'s "on"; `HOME`' },
    is: "no_collection",
    level: "stops",
    says: /: did you mean it's "one"; `HOME`\?/,
  },
  "no collection": {
    setUp: ({ db }) => db.createCollection("orders_of_last_year"),
    isBare: true,
    is: "no_collection",
    level: "stops",
    says: /^There is no collection jobs .*, which has documents, orders_of_last_year\./,
  },
  "a view": {
    isBare: true,
    setUp: async ({ db }) => {
      await db.collection("all").insertOne({ status: "pending", kind: "a" });
      await db.createCollection(COLLECTION, { viewOn: "all", pipeline: [{ $match: { kind: "a" } }] });
    },
    is: "not_a_collection",
    level: "stops",
    says: /^MONGODB_COLLECTION is jobs, which is a view/,
  },
  "a time-series collection": {
    isBare: true,
    setUp: async (database) => {
      await database.db.createCollection(COLLECTION, { timeseries: { timeField: "at" } });
      await jobs(database).insertOne({ at: new Date(), status: "pending" });
    },
    is: "not_a_collection",
    level: "stops",
    says: /^MONGODB_COLLECTION is jobs, which is a time-series collection/,
  },
  "letters in a view": {
    setUp: ({ db }) => db.createCollection(LETTERS, { viewOn: COLLECTION, pipeline: [] }),
    is: "not_a_collection",
    level: "stops",
    says: /^DEAD_LETTER_COLLECTION is jobs_dead_letters, which is a view/,
  },
  "a capped collection": {
    isBare: true,
    setUp: async (database) => {
      await database.db.createCollection(COLLECTION, { capped: true, size: 100_000 });
      await jobs(database).insertMany(pending(3));
    },
    is: "capped",
    level: "hurts",
    says: /^The collection jobs is capped: the server removes its oldest documents/,
  },
  "an _id collation of the letters": {
    setUp: async (database) => {
      await database.db.createCollection(LETTERS, { collation: ENGLISH });
      await letters(database).insertOne({ _id: "A", collection: COLLECTION });
    },
    is: "letter_collation",
    level: "hurts",
    says: /^The dead letters in jobs_dead_letters are compared by the collation en, strength 1/,
  },
  "a TTL index that removes documents that wait": {
    setUp: async (database) => {
      await jobs(database).insertOne({ status: "pending", at: new Date() });
      await jobs(database).createIndex({ at: 1 }, { name: "old", expireAfterSeconds: 7 * 86_400 });
    },
    is: "ttl",
    level: "hurts",
    says: /^The TTL index old of jobs removes documents after 7 days, also those that wait/,
  },
  "a TTL index on a field that only finished documents have": {
    setUp: async (database) => {
      await jobs(database).insertOne({ status: "processed", at: new Date() });
      await jobs(database).createIndex({ at: 1 }, { name: "old", expireAfterSeconds: 7 * 86_400 });
    },
    is: "ttl_of_any",
    level: "note",
    says: /removes documents after 7 days: no document that waits has a date in at now, and one may get one$/,
  },
  "a TTL index of the letters": {
    setUp: (database) =>
      letters(database).createIndex({ dead_at: 1 }, { name: "old", expireAfterSeconds: 60 }),
    is: "letter_ttl",
    level: "note",
    says: /^The TTL index old of jobs_dead_letters removes dead letters after 60 s/,
  },
  "a clustered collection that forgets": {
    isBare: true,
    setUp: ({ db }) =>
      db.createCollection(COLLECTION, {
        clusteredIndex: { key: { _id: 1 }, unique: true },
        expireAfterSeconds: 3600,
      }),
    is: "ttl",
    level: "hurts",
    says: /^The clustered collection jobs removes documents after 3600 s/,
  },
  "a unique index that lets one document be processed": {
    setUp: (database) =>
      jobs(database).createIndex({ customer: 1, status: 1, _id: 1 }, { name: "one", unique: true }),
    is: "one_processed",
    level: "hurts",
    says: /^The unique index one of jobs lets one document be processed for each value of customer, _id/,
  },
  "a validator that refuses the bookkeeping": {
    setUp: ({ db }) =>
      db.command({ collMod: COLLECTION, validator: { status: { $in: ["pending", "done"] } } }),
    is: "refuses_claims",
    level: "stops",
    says: /^The validator of jobs refuses what the agent writes: the claim \(3 of 3 documents\), /,
  },
  "a validator that refuses failures": {
    setUp: ({ db }) => db.command({ collMod: COLLECTION, validator: { error: { $exists: false } } }),
    is: "refuses_writes",
    level: "hurts",
    says: /: a retry \(3 of 3 documents\), the outcome failed \(3 of 3 documents\)$/,
  },
  "a validator that asks for a result": {
    setUp: ({ db }) =>
      db.command({
        collMod: COLLECTION,
        validator: { $or: [{ status: { $ne: "processed" } }, { result: { $exists: true } }] },
      }),
    is: "refuses_writes",
    level: "hurts",
    says: /: the outcome processed \(3 of 3 documents\), unless your processor sets what it asks for$/,
  },
  "a schema of an empty collection that knows no _pull": {
    isBare: true,
    setUp: ({ db }) =>
      db.createCollection(COLLECTION, {
        validator: { $jsonSchema: { properties: { _id: {}, status: {} }, additionalProperties: false } },
      }),
    is: "refuses_claims",
    level: "stops",
    says: /refuses what the agent writes: the claim, /,
  },
};

for (const [what, broken] of Object.entries(BROKEN)) {
  Deno.test(`doctor finds ${what}, and what it prints mends it`, () => assertMended(broken));
}

Deno.test("doctor tries writes on documents that wait, or could wait: those that are done may look otherwise", async () => {
  await using database = await testDatabase("doctor");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await jobs(database).insertMany(pending(30, { status: "processed", isClosed: true }));
  await database.db.command({
    collMod: COLLECTION,
    validator: { $nor: [{ isClosed: true, status: { $ne: "processed" } }] },
  });
  await using patient = await Patient.of(database);
  assertEquals(await patient.found(), []);
  await jobs(database).insertMany(pending(3, { from: 100 }));
  assertEquals(await patient.found(), []);
});
