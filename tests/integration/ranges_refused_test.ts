import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MongoClient } from "mongodb";
import { ClaimModeError } from "../../agent/errors.ts";
import { NOTHING_CLAIMED } from "../../agent/ports.ts";
import { ModeTroubleError } from "../../agent/store/ranges/mode_trouble.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import type { Profile } from "../support/profiles/profile.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";
import { SHARDED_6 } from "../support/profiles/sharded.ts";
import { COLLECTION, idsOf, jobs, LONG_AGO, openStore, pending, type TestStore } from "../support/store.ts";
import { agents, endMode, expireRanges, open } from "../support/ranges.ts";
import { shiftedClock } from "../support/shifted_clock.ts";

Deno.test("CLAIM_MODE of range refuses to claim beside document mode, and the reverse, until the mode has run out", async () => {
  await using database = await testDatabase("ranges");
  await using range = open(database);
  await using document = openStore(database, { claimMode: "document", fleet: "on", agentName: "old" });
  await jobs(database).insertMany(pending(3));
  const [first] = (await document.take(1)).documents;
  await document.ack([{ document: first! }]);
  const refused = await assertRejects(() => range.take(), ClaimModeError);
  assertStringIncludes(refused.message, "CLAIM_MODE is range, and agents with CLAIM_MODE=document work");
  const [held] = (await document.take(1)).documents;
  await endMode(database);
  // The mode is over, and a document is still held in it.
  const beside = await assertRejects(() => range.take(), ClaimModeError);
  assertStringIncludes(
    beside.message,
    "the agent old holds documents in another mode and does not show itself",
  );
  assertEquals(beside.isOfOthers, false);
  await document.ack([{ document: held! }]);
  assertEquals(idsOf(await range.take(1)), [2]);
  // What was taken before does not count any more: the claim itself asks.
  await using late = openStore(database, { claimMode: "document", fleet: "on" });
  const other = await assertRejects(() => late.take(), ClaimModeError);
  assertStringIncludes(other.message, "CLAIM_MODE is document, and agents with CLAIM_MODE=range work");
  assertEquals(await jobs(database).countDocuments({ status: "processing" }), 0);
  await endMode(database);
  await assertRejects(() => late.take(), ClaimModeError);
  await expireRanges(database);
  await jobs(database).insertOne({ _id: 3, status: "pending" });
  const ids: unknown[] = [];
  while (ids.length < 2) {
    // It ends the range before it has the mode.
    ids.push(...idsOf(await late.take().catch(() => NOTHING_CLAIMED)));
  }
  assertEquals(ids.toSorted(), [2, 3]);
  // From now on range mode is refused.
  await jobs(database).insertOne({ _id: 9, status: "pending" });
  await assertRejects(() => range.take(), ClaimModeError);
});

Deno.test("CLAIM_MODE of range refuses another FILTER than that of the other agents", async () => {
  await using database = await testDatabase("ranges");
  await using store = openStore(database, { claimMode: "range", filter: '{"kind": "a"}' });
  await using other = openStore(database, { claimMode: "range", filter: '{"kind": "b"}' });
  await jobs(database).insertMany(
    [{ _id: 1, kind: "a" }, { _id: 2, kind: "b" }].map((each) => ({ ...each, status: "pending" })),
  );
  assertEquals(idsOf(await store.take()), [1]);
  const error = await assertRejects(() => other.take(), ClaimModeError);
  assertStringIncludes(error.message, 'the others have {"kind":"a"}');
});

Deno.test("CLAIM_MODE of range refuses a collation, and a unique index on documents in processing", async () => {
  await using database = await testDatabase("ranges");
  await database.db.createCollection(COLLECTION, { collation: { locale: "en", strength: 2 } });
  await using store = open(database);
  const collation = await assertRejects(() => store.take(), ClaimModeError);
  assertStringIncludes(collation.message, "the collection has a collation");
  await jobs(database).drop();
  await jobs(database).createIndex({ key: 1 }, {
    name: "one_at_a_time",
    unique: true,
    partialFilterExpression: { status: "processing" },
  });
  const unique = await assertRejects(() => store.take(), ClaimModeError);
  assertStringIncludes(unique.message, "the unique index one_at_a_time goes by the status processing");
});

const OLD: Profile = {
  ...SHARDED_6,
  hello: (real, address) => ({ ...real, hosts: [address], me: address, primary: address, maxWireVersion: 9 }),
  buildInfo: { ...SHARDED_6.buildInfo, version: "4.4.29", versionArray: [4, 4, 29, 0] },
  rows: [],
};
for (const [profile, why] of [[SHARDED_6, "a sharded cluster"], [OLD, "MongoDB before 5.0"]] as const) {
  Deno.test(`CLAIM_MODE of range refuses ${why} before it takes the mode`, async () => {
    await using server = new ProfileServer(profile);
    await using database = server.database();
    await jobs(database).insertMany(pending(1, { tenant: 1 }));
    await using store = open({ uri: server.uri, name: database.name });
    const { message } = await assertRejects(() => store.take(), ClaimModeError);
    assertStringIncludes(message, `CLAIM_MODE is range, and ${why}`);
    assertEquals(await agents(database).countDocuments(), 0);
  });
}

for (const mode of ["document", undefined] as const) {
  Deno.test(`CLAIM_MODE of range takes no mode beside a live agent ${mode ? "in document mode" : "of an earlier version"} that has nothing to claim`, async () => {
    await using database = await testDatabase("ranges");
    await using range = open(database);
    await agents(database).insertOne({
      _id: "2026-01-01T00:00:00.000Z a",
      registry: "pulling-agent",
      ...(mode && { mode }),
      state: "running",
      seen_at: new Date(),
      lives_ms: 600_000,
    });
    await jobs(database).insertMany(pending(1));
    const refused = await assertRejects(() => range.take(), ClaimModeError);
    assertEquals(refused.isOfOthers, true);
    await agents(database).updateOne({ state: "running" }, { $set: { seen_at: LONG_AGO } });
    assertEquals(idsOf(await range.take()), [0]);
  });
}

Deno.test("CLAIM_MODE of document claims what both modes claim alike beside range mode, and tells that none of it was new", async () => {
  await using database = await testDatabase("ranges");
  await using range = open(database);
  await using store = openStore(database, { claimMode: "document", fleet: "on" });
  await jobs(database).insertMany(pending(2));
  await range.take(1);
  // Only the first claim looks for what is rare before new documents.
  for (const _id of [10, 11, 12]) {
    await jobs(database).insertOne({ _id, status: "pending", _pull: { visible_at: LONG_AGO } });
    const claim = await store.take();
    assertEquals([idsOf(claim), claim.newDocuments], [[_id], 0]);
  }
  // So it is with a batch that is full before new documents are tried.
  await jobs(database).insertOne({ _id: 13, status: "pending", _pull: { visible_at: LONG_AGO } });
  const { documents, newDocuments } = await store.take(1);
  assertEquals([documents.length, newDocuments], [1, 0]);
  await assertRejects(() => store.take(), ClaimModeError);
});

Deno.test("CLAIM_MODE of document waits for the ranges of agents that are gone, and holds no agent responsible", async () => {
  await using database = await testDatabase("ranges");
  await using range = open(database);
  await using store = openStore(database, { claimMode: "document", fleet: "on" });
  await jobs(database).insertMany(pending(1));
  await range.take(1);
  assertEquals((await assertRejects(() => store.take(), ClaimModeError)).isOfOthers, true);
  await endMode(database);
  const waits = await assertRejects(() => store.take(), ClaimModeError);
  assertEquals(waits.isOfOthers, false);
  assertStringIncludes(waits.message, "agents with CLAIM_MODE=range that have ended hold documents");
});

const DUE = { visible_at: LONG_AGO };
const ORIGINS: Record<string, (holder: TestStore, database: TestDatabase) => Promise<unknown>> = {
  "was released": async (holder, database) => {
    await jobs(database).insertOne({ _id: 0, status: "pending" });
    await holder.release((await holder.take()).documents);
  },
  "was scheduled": (_, database) => jobs(database).insertOne({ _id: 0, status: "pending", _pull: DUE }),
  "was requeued": async (holder, database) => {
    await jobs(database).insertOne({ _id: 0, status: "failed", _pull: { attempts: 3, dead_at: LONG_AGO } });
    const documents = await holder.forCommands.documentsToRequeue();
    const pages = await Array.fromAsync(documents.pages(documents.planById("0"), 10));
    await documents.requeue(pages.flat());
  },
  "has bookkeeping and no time": (_, database) =>
    jobs(database).insertOne({ _id: 0, status: "pending", _pull: {} }),
};

for (const [origin, make] of Object.entries(ORIGINS)) {
  Deno.test(`CLAIM_MODE of range claims beside a document that ${origin}, and that another agent in range mode holds`, async () => {
    await using database = await testDatabase("ranges");
    await using holder = open(database);
    await using other = open(database);
    await make(holder, database);
    let held = idsOf(await holder.take());
    // One with bookkeeping and no time is scheduled first.
    if (held.length === 0) held = idsOf(await holder.take());
    assertEquals(held, [0]);
    await jobs(database).insertOne({ _id: 1, status: "pending" });
    assertEquals(idsOf(await other.take()), [1]);
  });
}

for (const isRefusedBefore of [false, true]) {
  Deno.test(`CLAIM_MODE of document claims nothing in live ranges if documents of others are beside them, ${isRefusedBefore ? "as it was refused before" : "from its first claim on"}`, async () => {
    await using database = await testDatabase("ranges");
    await using range = open(database);
    await jobs(database).insertMany(pending(3));
    await range.take();
    await using store = openStore(database, { claimMode: "document", fleet: "on" });
    if (isRefusedBefore) await assertRejects(() => store.take(), ClaimModeError);
    await agents(database).insertOne({ _id: "a note of an operator" });
    const refused = await assertRejects(() => store.take(), ClaimModeError);
    assertStringIncludes(refused.message, "agents with CLAIM_MODE=range work on the collection");
  });
}

Deno.test("CLAIM_MODE of document without a mode looks for range mode before each claim", async () => {
  await using database = await testDatabase("ranges");
  await jobs(database).insertMany(pending(3));
  await agents(database).insertOne({ _id: "a note of an operator" });
  await using store = openStore(database, { claimMode: "document", fleet: "on" });
  const { documents } = await store.take(1);
  assertEquals(documents.length, 1);
  await store.ack(documents.map((document) => ({ document })));
  await agents(database).deleteMany({});
  await using range = open(database);
  assertEquals(idsOf(await range.take(1)), [1]);
  await assertRejects(() => store.take(), ClaimModeError);
});

Deno.test("CLAIM_MODE of document claims if the collection of the agents goes on refusing writes, unless range mode is there", async () => {
  await using database = await testDatabase("ranges");
  await jobs(database).insertMany(pending(4));
  const appName = crypto.randomUUID();
  const { clock, setAhead } = shiftedClock();
  const place = { name: database.name, uri: `${database.uri}&appName=${appName}` };
  await using store = openStore(place, { claimMode: "document", clock, fleet: "on" });
  await using admin = new MongoClient(database.uri);
  const namespace = agents(database).namespace;
  await admin.db("admin").command({
    configureFailPoint: "failCommand",
    mode: "alwaysOn",
    data: { appName, failCommands: ["update"], namespace, errorCode: 8000 },
  });
  try {
    const { message } = await assertRejects(() => store.take(1), ModeTroubleError);
    assertStringIncludes(message, `cannot tell the others its CLAIM_MODE in ${namespace}`);
    setAhead(20_000);
    assertEquals(idsOf(await store.take(1)), [0]);
    const mode = { mode: "range", mode_until: new Date(Date.now() + 600_000) };
    await agents(database).insertOne({ _id: "ranges", registry: "pulling-agent", ...mode });
    await assertRejects(() => store.take(1), ClaimModeError);
  } finally {
    await admin.db("admin").command({ configureFailPoint: "failCommand", mode: "off" });
  }
});

Deno.test("CLAIM_MODE of document names the field of the ranges that a user has changed", async () => {
  await using database = await testDatabase("ranges");
  await using store = openStore(database, { claimMode: "document", fleet: "on" });
  await jobs(database).insertMany(pending(1));
  const made = { registry: "pulling-agent", version: "v", mode: "document", mode_until: LONG_AGO };
  await agents(database).insertOne({ _id: "ranges", ...made, ranges: "none" });
  const { message } = await assertRejects(() => store.take(), ClaimModeError);
  assertStringIncludes(message, 'The field "ranges" of the document "ranges"');
});

Deno.test("CLAIM_MODE of range takes no mode that it could not use", async () => {
  await using database = await testDatabase("ranges");
  await database.db.createCollection(COLLECTION, { collation: { locale: "en", strength: 2 } });
  await jobs(database).insertMany(pending(3));
  await using range = open(database);
  await assertRejects(() => range.take(), ClaimModeError, "the collection has a collation");
  await using document = openStore(database, { claimMode: "document", fleet: "on", agentName: "d" });
  assertEquals(idsOf(await document.take(1)), [0]);
});

for (const agentName of ["range", "alone"]) {
  Deno.test(`CLAIM_MODE of range takes no mode beside documents that an agent without a mode holds, as the agent ${agentName}`, async () => {
    await using database = await testDatabase("ranges");
    await using alone = openStore(database, { claimMode: "document", fleet: "off", agentName: "alone" });
    await using range = open(database, { agentName });
    await jobs(database).insertMany(pending(3));
    await alone.take(1);
    await assertRejects(() => range.take(), ClaimModeError, "the agent alone holds documents");
    const shown = {
      registry: "pulling-agent",
      name: "alone",
      state: "running",
      seen_at: new Date(),
      lives_ms: 60_000,
    };
    await agents(database).insertOne({ _id: "2026-01-01T00:00:00.000Z a", ...shown });
    const { isOfOthers, message } = await assertRejects(() => range.take(), ClaimModeError);
    assertEquals([isOfOthers, message.includes("does not show itself")], [true, false]);
    await using document = openStore(database, { claimMode: "document", fleet: "on" });
    assertEquals(idsOf(await document.take(1)), [1]);
  });
}
