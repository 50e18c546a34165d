import { assert, assertEquals, assertMatch } from "@std/assert";
import { CLAIM_ORDER, claimable } from "../../agent/store/queries.ts";
import { Patient, type PatientOptions } from "../support/doctor.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { profile } from "../support/profile.ts";
import { COLLECTION, jobs, LETTERS, letters, makeIndexes, openStore, pending } from "../support/store.ts";

/** A set-up that is broken, made for real, and what is found of it. */
interface Broken {
  setUp?(database: TestDatabase): Promise<unknown>;
  env?: Record<string, string>;
  /** Facts that no setting tells. */
  known?: PatientOptions;
  is: string;
  level: "stops" | "hurts" | "note";
  says: RegExp;
  /** What an operator does who follows advice that no command can. */
  byHand?(patient: Patient): void;
  /** The collection, with the indexes and some documents, is not made before. */
  isBare?: boolean;
}

const ENGLISH = { locale: "en", strength: 1 };
const CLAIM_KEYS = { status: 1, "_pull.visible_at": 1, _id: 1 } as const;

const BROKEN: Record<string, Broken> = {
  "no index": {
    isBare: true,
    setUp: ({ db }) => db.createCollection(COLLECTION),
    env: { ENSURE_INDEXES: "false" },
    is: "index_missing",
    level: "hurts",
    says: /has no index that claims can go by on \{"status":1,.*ENSURE_INDEXES is false/,
  },
  "no index that the agent is about to make": {
    isBare: true,
    setUp: ({ db }) => db.createCollection(COLLECTION),
    is: "index_to_come",
    level: "note",
    says: /: the agent creates it when it starts/,
  },
  "an index of its name and another shape": {
    isBare: true,
    setUp: (database) => jobs(database).createIndex({ other: 1 }, { name: "pulling_agent_claim" }),
    is: "index_in_the_way",
    level: "hurts",
    says: /has other keys \(\{"other":1\}\) than claims can go by, and is in the way of pulling_agent_claim/,
  },
  "an index that is hidden": {
    setUp: ({ db }) =>
      db.command({ collMod: COLLECTION, index: { name: "pulling_agent_claim", hidden: true } }),
    is: "index_in_the_way",
    level: "hurts",
    says: /pulling_agent_claim is hidden/,
  },
  "an index of another collation": {
    isBare: true,
    setUp: (database) => jobs(database).createIndex(CLAIM_KEYS, { name: "mine", collation: ENGLISH }),
    env: { ENSURE_INDEXES: "false" },
    is: "index_missing",
    level: "hurts",
    says: /\(mine has these keys, and the collation en\)/,
  },
  "an operator's index filter that keeps claims from their index": {
    setUp: async (database) => {
      await jobs(database).createIndex({ other: 1 });
      await database.db.command({
        planCacheSetFilter: COLLECTION,
        query: claimable("new_documents"),
        sort: CLAIM_ORDER,
        indexes: [{ other: 1 }],
      });
    },
    is: "reads_all",
    level: "hurts",
    says: /^The query for new documents reads all of jobs$/,
  },
  "an index filter that lets claims sort": {
    setUp: async (database) => {
      await jobs(database).createIndex({ status: 1 });
      await database.db.command({
        planCacheSetFilter: COLLECTION,
        query: claimable("new_documents"),
        sort: CLAIM_ORDER,
        indexes: [{ status: 1 }],
      });
    },
    is: "sorts",
    level: "hurts",
    says: /^The query for new documents goes by the index status_1, and sorts what it finds/,
  },
  "a FILTER that MongoDB cannot use": {
    env: { FILTER: '{"a": {"$gtt": 1}}' },
    is: "filter_refused",
    level: "stops",
    says: /MongoDB refuses the query for documents, of which FILTER is a part: .*: mend FILTER/,
    byHand: ({ env }) => env.FILTER = '{"a": {"$gt": 1}}',
  },
  "no collection of a name that is nearly right": {
    setUp: ({ db }) => db.createCollection("job"),
    isBare: true,
    is: "no_collection",
    level: "stops",
    says: /^There is no collection jobs in the database .*: did you mean job\?/,
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
    setUp: (database) =>
      jobs(database).createIndex({ at: 1 }, { name: "old", expireAfterSeconds: 7 * 86_400 }),
    is: "ttl",
    level: "hurts",
    says: /^The TTL index old of jobs removes documents after 7 days, also those that wait/,
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
  "options of the connection string that the agent overrides": {
    env: { OPTIONS: "&readPreference=secondary" },
    is: "overridden",
    level: "note",
    says: /asks for readPreference=secondary, which is overridden with primary/,
  },
  "a lease that an election outlasts": {
    env: { LEASE_DURATION: "5" },
    is: "short_lease",
    level: "hurts",
    says: /^LEASE_DURATION is 5 s: while MongoDB elects a primary/,
  },
  "a lease below PROCESS_TIMEOUT": {
    env: { LEASE_DURATION: "60", PROCESS_TIMEOUT: "10m" },
    is: "lease_below_timeout",
    level: "note",
    says: /^LEASE_DURATION \(60 s\) is below PROCESS_TIMEOUT \(600 s\)/,
  },
  "a slow heartbeat": {
    env: { HEARTBEAT_INTERVAL: "60" },
    is: "slow_heartbeat",
    level: "note",
    says: /notices a stuck loop after 180 s/,
  },
  "batches of more bytes than a claim brings": {
    setUp: (database) => jobs(database).insertMany(pending(20, { from: 10, data: "x".repeat(1024 * 1024) })),
    is: "batch_bytes",
    level: "note",
    says: /instead of BATCH_SIZE \(100\), as it ends at 16 MiB/,
  },
  "a heap below two batches": {
    setUp: (database) => jobs(database).insertMany(pending(20, { from: 10, data: "x".repeat(1024 * 1024) })),
    known: { heapLimitMiB: 128 },
    is: "heap",
    level: "hurts",
    says: /^The heap has 128 MiB, and two batches of 100 documents may need more/,
  },
  "handlers that cannot all have a document": {
    setUp: (database) => jobs(database).insertMany(pending(20, { from: 10, data: "x".repeat(1024 * 1024) })),
    env: { CONCURRENCY: "150" },
    is: "idle_slots",
    level: "hurts",
    says: /^CONCURRENCY is 150, and 32 MiB of documents are held at once/,
  },
};

async function make(database: TestDatabase, { isBare, setUp }: Broken): Promise<void> {
  if (!isBare) {
    await using store = openStore(database);
    await makeIndexes(database, store);
    await jobs(database).insertMany(pending(3));
  }
  await setUp?.(database);
}

for (const [what, spec] of Object.entries(BROKEN)) {
  Deno.test(`doctor finds ${what}, and what it prints mends it`, async () => {
    await using database = await testDatabase("doctor");
    await make(database, spec);
    const { OPTIONS = "", ...env } = spec.env ?? {};
    const [address, query = ""] = database.uri.split("?");
    await using patient = await Patient.of(
      { name: database.name, uri: `${address}?${query}${OPTIONS}` },
      env,
      spec.known,
    );
    const before = await patient.diagnose();
    const found = before.findings.filter(({ is }) => is === spec.is);
    assert(found.length > 0, JSON.stringify(before, undefined, 1));
    assertMatch(found[0]!.says, spec.says);
    assertEquals([found[0]!.level, before.canWork], [spec.level, spec.level !== "stops"]);
    for (const each of found) await patient.mend(each, database.client);
    spec.byHand?.(patient);
    const after = await patient.diagnose();
    assert(
      after.canWork && after.findings.every(({ is }) => is !== spec.is),
      JSON.stringify(after, undefined, 1),
    );
  });
}

Deno.test("doctor finds nothing about a set-up that is sound, and writes nothing", async () => {
  await using database = await testDatabase("doctor");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await jobs(database).insertMany(pending(3));
  await using patient = await Patient.of(database);
  const done = await profile(database, async () => {
    const { canWork, findings, unseen } = await patient.diagnose();
    assertEquals([canWork, findings, unseen.map(({ concern }) => concern)], [true, [], ["pod"]]);
  });
  const asked = [...new Set(done.map(({ command, op }) => `${op} ${Object.keys(command)[0]}`))].sort();
  assertEquals(asked, ["command aggregate", "command explain", "command listIndexes"]);
});

Deno.test("doctor looks at what it can if a server lacks commands, and says what it could not look at", async () => {
  await using database = await testDatabase("doctor");
  await using store = openStore(database);
  await makeIndexes(database, store);
  const appName = "doctor-without-commands";
  await using patient = await Patient.of({
    ...database,
    name: database.name,
    uri: `${database.uri}&appName=${appName}`,
  });
  const admin = database.client.db("admin");
  const failCommands = [
    "connectionStatus",
    "explain",
    "listIndexes",
    "aggregate",
    "buildInfo",
    "listCollections",
  ];
  try {
    await admin.command({
      configureFailPoint: "failCommand",
      mode: "alwaysOn",
      data: { appName, failCommands, errorCode: 59 },
    });
    const { canWork, findings, unseen } = await patient.diagnose();
    assertEquals([canWork, findings], [true, []]);
    const missed = new Set(unseen.map(({ concern }) => concern));
    for (
      const concern of ["rights", "collection", "indexes", "plans", "retention", "unique index", "sizes"]
    ) {
      assert(missed.has(concern), JSON.stringify(unseen));
    }
  } finally {
    await admin.command({ configureFailPoint: "failCommand", mode: "off" });
  }
});
