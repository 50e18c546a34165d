import { assert, assertEquals } from "@std/assert";
import { CLAIM_ORDER, claimable } from "../../agent/store/queries.ts";
import { assertMended, type Broken } from "../support/broken_setups.ts";
import { Patient } from "../support/doctor.ts";
import { testDatabase } from "../support/mongod.ts";
import { profile } from "../support/profile.ts";
import { NOW } from "../../agent/store/server/server_time.ts";
import { COLLECTION, jobs, makeIndexes, openStore, pending } from "../support/store.ts";

const ENGLISH = { locale: "en", strength: 1 };
const CLAIM_KEYS = { status: 1, "_pull.visible_at": 1, _id: 1 } as const;

/** Indexes, plans, settings and sizes of documents that do not go with each other. */
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
        query: claimable("new_documents", NOW),
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
        query: claimable("new_documents", NOW),
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
  "handlers for which no batch is large enough": {
    env: { CONCURRENCY: "300" },
    is: "odd_setting",
    level: "hurts",
    says: /^CONCURRENCY is 300, but no more than twice BATCH_SIZE/,
  },
  "no PROCESSOR": {
    env: { PROCESSOR: "" },
    is: "odd_setting",
    level: "hurts",
    says: /^PROCESSOR is not set: documents are only marked as processed/,
  },
  "a setting of another kind of processor": {
    env: { EXEC_PASS_ENV: "TOKEN" },
    is: "odd_setting",
    level: "hurts",
    says: /^EXEC_PASS_ENV is set, and does nothing for this kind of PROCESSOR/,
  },
  "more processes of a program than handlers": {
    env: { EXEC_PROCESSES: "20", PROCESSOR: "exec:cat" },
    is: "odd_setting",
    level: "hurts",
    says: /^EXEC_PROCESSES is 20, but CONCURRENCY lets only 16 work/,
  },
  "more processes of a program than full batches": {
    env: { EXEC_PROCESSES: "5", PROCESSOR: "exec:cat", PROCESSOR_BATCH: "true" },
    is: "odd_setting",
    level: "hurts",
    says: /^EXEC_PROCESSES is 5, but with PROCESSOR_BATCH only 2 full batches/,
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

for (const [what, broken] of Object.entries(BROKEN)) {
  Deno.test(`doctor finds ${what}, and what it prints mends it`, () => assertMended(broken));
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
  assertEquals(asked, [
    "command aggregate",
    "command explain",
    "command killCursors",
    "command listIndexes",
    "query find",
    "update q",
  ]);
  assertEquals(done.filter(({ op }) => op === "update").map(({ nMatched }) => nMatched), [0]);
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
