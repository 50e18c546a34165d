import { assert, assertEquals, assertRejects } from "@std/assert";
import { BSON, type Document, MongoClient, MongoServerError } from "mongodb";
import type { Basis, Profile } from "../support/profiles/profile.ts";
import { SUPPORTED, UNSUPPORTED } from "../support/profiles/profiles.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";
import { answersTo, QUESTIONS } from "../support/profiles/questions.ts";

const ALL: readonly Profile[] = [...SUPPORTED, ...UNSUPPORTED];
const named = (name: string) => ALL.find((profile) => profile.name === name)!;

const NOW_303 = "303: Feature not supported: $$NOW";
const NOW_17276 = "17276: Use of undefined variable: NOW";
const HINT = "115: findAndModify.hint is not implemented yet";
const NO_INDEX = "write 2: error processing query: ns=";
const PARTIAL_67 = "67: unsupported expression in partial index: $in";
const MERGE_115 =
  "115: merge, pipeline and Let option not supported yet in whenMatched field of $merge aggreagtion stage";
const STREAM_115 = "115: Stage $changeStream is not supported yet in native pipeline";
const STREAM_136 = "136: modifyChangeStreams has not been run for this collection/database/cluster";
const SHARD_KEY = "61: Query for sharded findAndModify must contain the shard key";

/** What differs from "ok", by profile. */
const EXPECTED: Record<string, Record<string, string>> = {
  "amazon-5.0": {
    "now in a read": NOW_303,
    "now explained": NOW_303,
    "now in a write": NOW_303,
    "size": "305: Aggregation project operator not supported: '$bsonSize'",
    "partial index by $in": "303: Feature not supported: $in in partialFilterExpression",
    "stream": STREAM_136,
    "merge": "304: Aggregation stage not supported: '$merge'",
  },
  "amazon-8.0": {
    "now in a read": NOW_303,
    "now explained": NOW_303,
    "now in a write": NOW_303,
    "partial index by $in": "303: Feature not supported: $in in partialFilterExpression",
    "stream": STREAM_136,
    "merge": "303: Feature not supported: $merge whenMatched pipeline",
  },
  "documentdb-0.107": {
    "now in a read": NOW_17276,
    "now explained": NOW_17276,
    "now in a write": `write ${NOW_17276}`,
    "hint of findAndModify": HINT,
    "partial index by $in": PARTIAL_67,
    "stream": STREAM_115,
    "merge": MERGE_115,
  },
  "azure": {
    "now in a write": `write ${NOW_17276}`,
    "hint of findAndModify": HINT,
    "partial index by $in": PARTIAL_67,
    "merge": MERGE_115,
  },
  "ferretdb-2.7": {
    "now in a write": `write ${NOW_17276}`,
    "hint of findAndModify": HINT,
    "partial index by $in": PARTIAL_67,
    "stream": STREAM_115,
    "merge": MERGE_115,
  },
  "sharded-6.0": { "hint of findAndModify": SHARD_KEY, "findAndModify": SHARD_KEY },
};
/** Profiles whose servers look at the hint of an update, and refuse one that is no index. */
const LOOKS_AT_HINTS = new Set(["amazon-5.0", "amazon-8.0", "sharded-6.0"]);

for (const { name } of SUPPORTED) {
  Deno.test(`Compatible servers: the profile ${name} refuses what the server refuses, in its words`, async () => {
    await using server = new ProfileServer(named(name));
    await using database = server.database();
    await using client = new MongoClient(server.uri, { retryWrites: false });
    const found = await answersTo(QUESTIONS, client.db(database.name));
    const hint = String(found["hint of an update, of no index"]);
    assertEquals(hint.startsWith(NO_INDEX.slice(0, 8)), LOOKS_AT_HINTS.has(name), hint);
    const expected = Object.fromEntries(
      Object.keys(QUESTIONS).map((what) => [what, EXPECTED[name]?.[what] ?? "ok"]),
    );
    // The words of the real server behind it, which change with its version.
    assertEquals({ ...found, "hint of an update, of no index": "ok" }, expected);
  });
}

Deno.test("Compatible servers: profiles show the hello of the server, and drivers take them for what they are", async () => {
  const types: Record<string, [string, string]> = {
    "amazon-5.0": ["RSPrimary", "date"],
    "amazon-8.0": ["RSPrimary", "date"],
    "documentdb-0.107": ["Mongos", "long"],
    "azure": ["Mongos", "long"],
    "ferretdb-2.7": ["Standalone", "date"],
    "sharded-6.0": ["Mongos", "date"],
    "amazon-elastic": ["Mongos", "date"],
    "ferretdb-1.24": ["Standalone", "date"],
  };
  for (const profile of ALL) {
    await using server = new ProfileServer(profile);
    await using client = new MongoClient(server.uri);
    let type = "";
    client.on("serverDescriptionChanged", ({ newDescription }) => type = newDescription.type);
    await client.connect();
    const { localTime } = await client.db("admin").command({ hello: 1 }, { promoteValues: false });
    const { version } = await client.db("admin").command({ buildInfo: 1 });
    assertEquals(
      [type, localTime instanceof Date ? "date" : localTime._bsontype.toLowerCase()],
      types[profile.name],
    );
    assertEquals(version, profile.buildInfo.version);
  }
});

Deno.test("Compatible servers: retryable writes are unknown to Amazon DocumentDB 5.0, and transactions leave their writes on FerretDB", async () => {
  await using amazon = new ProfileServer(named("amazon-5.0"));
  await using database = amazon.database();
  await using retrying = new MongoClient(amazon.uri);
  const insertOne = () => retrying.db(database.name).collection("jobs").insertOne({});
  const error = await assertRejects(insertOne, MongoServerError);
  assertEquals([error.code, error.errmsg], [9, "Unrecognized field: 'txnNumber'"]);
  await using plain = new MongoClient(`${amazon.uri}&retryWrites=false`);
  const jobs = plain.db(database.name).collection("jobs");
  await jobs.insertOne({});
  await plain.withSession((session) => session.withTransaction(() => jobs.insertOne({}, { session })));
  assertEquals(await jobs.countDocuments(), 2);

  await using ferret = new ProfileServer(named("ferretdb-2.7"));
  await using other = ferret.database();
  await other.db.createCollection("jobs");
  const lsid = { id: new BSON.UUID() };
  const transaction = { lsid, txnNumber: BSON.Long.ONE, autocommit: false };
  const insert = { insert: "jobs", documents: [{ _id: 1 }], ...transaction, startTransaction: true };
  await using raw = new MongoClient(ferret.uri);
  await raw.db(other.name).command(insert);
  const commit = { commitTransaction: 1, ...transaction };
  await assertRejects(
    () => raw.db("admin").command(commit),
    MongoServerError,
    "no such command: 'commitTransaction'",
  );
  assertEquals((await raw.db("admin").command({ abortTransaction: 1, ...transaction })).ok, 1);
  assertEquals(await other.db.collection("jobs").countDocuments(), 1);
});

Deno.test("Compatible servers: streams tell nothing of what an update changed, and on Amazon DocumentDB have to be enabled", async () => {
  for (const name of ["amazon-8.0", "azure"]) {
    await using server = new ProfileServer(named(name));
    await using database = server.database();
    await using client = new MongoClient(server.uri);
    const db = client.db(database.name);
    const jobs = await db.createCollection<{ _id: number; status: string }>("jobs");
    if (name !== "azure") {
      await client.db("admin").command({
        modifyChangeStreams: 1,
        database: db.databaseName,
        collection: "jobs",
        enable: true,
      });
    }
    const stream = jobs.watch([], { fullDocument: "updateLookup" });
    const events: Document[] = [];
    await stream.tryNext();
    await jobs.insertOne({ _id: 1, status: "pending" });
    await jobs.updateOne({ _id: 1 }, { $set: { status: "processing" } });
    while (events.length < 2) events.push(await stream.next());
    await stream.close();
    assertEquals(events.map(({ operationType }) => operationType), ["insert", "update"]);
    assertEquals(events[1]!.fullDocument.status, "processing");
    assert(events.every((event) => !("updateDescription" in event)));
  }
});

Deno.test("Compatible servers: every row of a profile tells its basis and its source", () => {
  const bases = new Set<Basis>(["seen", "source", "documented", "assumed"]);
  for (const { name, rows } of ALL) {
    for (const { basis, source, what } of rows) {
      assert(bases.has(basis) && source.length > 10 && what.length > 5, `${name}: ${what}`);
    }
    assertEquals(new Set(rows.map(({ what }) => what)).size, rows.length, name);
  }
});
