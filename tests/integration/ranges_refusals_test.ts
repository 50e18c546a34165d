import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Binary } from "mongodb";
import { ClaimModeError } from "../../agent/errors.ts";
import { agents, control, endMode, expireRanges, open, validate } from "../support/ranges.ts";
import { testDatabase } from "../support/mongod.ts";
import { type AnyDocument, COLLECTION, idsOf, jobs, letters, LONG_AGO, openStore } from "../support/store.ts";
import { pending, type TestStore } from "../support/store.ts";
import { shiftedClock } from "../support/shifted_clock.ts";

const DOCUMENT_MODE = { claimMode: "document", fleet: "on" } as const;
/** What is true of all documents but the one with the `_id` 1. */
const OTHERS = { _id: { $ne: 1 } };
/** The bytes of a document besides its data, and a few that are left for bookkeeping. */
const BESIDES = 47 + 20;

/** A document that is too large for bookkeeping. */
function withoutRoom(_id: number): AnyDocument {
  return { _id, status: "pending", data: new Binary(new Uint8Array(16 * 1024 * 1024 - BESIDES)) };
}

async function take(store: TestStore): Promise<unknown[]> {
  const { documents } = await store.take();
  await store.ack(documents.map((document) => ({ document })));
  return documents.map(({ id }) => id);
}

for (const outcome of ["ack", "nack", "release", "deadLetter"] as const) {
  Deno.test(`CLAIM_MODE of range: ${outcome} meets a document that gets a lease of its own meanwhile`, async () => {
    await using database = await testDatabase("ranges");
    await using store = open(database);
    await jobs(database).insertMany(pending(1));
    const document = (await store.take()).documents[0]!;
    // The renewal of a checkpoint is applied, and its answer is under way.
    const _pull = {
      token: document.token,
      visible_at: new Date(Date.now() + 60_000),
      attempts: 1,
      takeovers: 0,
    };
    await jobs(database).updateOne({ _id: 0 }, { $set: { status: "processing", _pull } });
    const matched = await {
      ack: async () => (await store.ack([{ document }])).matched,
      nack: async () => (await store.nack([{ document, error: "e", delayMs: 0 }])).matched,
      release: async () => (await store.release([document])).matched,
      deadLetter: () => store.deadLetter(document, "e"),
    }[outcome]();
    assertEquals(matched, 1);
    const { status } = await jobs(database).findOne({ _id: 0 });
    assertEquals(
      status,
      { ack: "processed", nack: "pending", release: "pending", deadLetter: "failed" }[outcome],
    );
  });
}

Deno.test("CLAIM_MODE of range makes a dead letter of a document that is too large for bookkeeping, and ends its range", async () => {
  await using database = await testDatabase("ranges");
  await using gone = open(database);
  await using store = open(database);
  await jobs(database).insertOne(withoutRoom(1));
  assertEquals(idsOf(await gone.take()), [1]);
  await expireRanges(database);
  await jobs(database).insertMany(pending(2, { from: 2 }));
  const { documents, refused } = await store.take();
  assertEquals(documents.map(({ id }) => id), [2, 3]);
  assertEquals(refused.map(({ id, isDeadLetter }) => ({ id, isDeadLetter })), [{
    id: 1,
    isDeadLetter: true,
  }]);
  const { error } = await letters(database).findOne({ _id: 1 });
  assertStringIncludes(error, "The document is too large to take the agent's bookkeeping");
  const { data: _, ...rest } = await jobs(database).findOne({ _id: 1 });
  assertEquals(rest, { _id: 1, status: "failed" });
  assertEquals((await control(database)).ranges.map(({ to }: AnyDocument) => to), [3]);
});

Deno.test("CLAIM_MODE of range ends the range of documents that take no bookkeeping for a while, reports them, and makes no letters of them", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany(pending(2));
  await store.take();
  await validate(database, { $or: [OTHERS, { _pull: { $exists: false } }] });
  await expireRanges(database);
  const { documents, refused } = await store.take();
  assertEquals(documents.map(({ id }) => id), [0]);
  assertEquals(await jobs(database).findOne({ _id: 1 }), { _id: 1, status: "pending" });
  assertEquals(await letters(database).countDocuments(), 0);
  assertEquals(refused.map(({ id, isDeadLetter }) => ({ id, isDeadLetter })), [{
    id: 1,
    isDeadLetter: false,
  }]);
  assertEquals((await control(database)).ranges, []);
  await store.ack(documents.map((document) => ({ document })));
  assertEquals(await take(store), []);
  // No range keeps the other mode out.
  await endMode(database);
  await jobs(database).insertOne({ _id: 5, status: "pending" });
  await using other = openStore(database, DOCUMENT_MODE);
  assertEquals(idsOf(await other.take()), [5]);
});

Deno.test("CLAIM_MODE of document reports the letters that it makes as it ends ranges, also if it may not claim yet", async () => {
  await using database = await testDatabase("ranges");
  await using gone = open(database);
  await jobs(database).insertOne(withoutRoom(0));
  await jobs(database).insertOne({ _id: 1, status: "pending" });
  await gone.take(1);
  await expireRanges(database);
  await using store = openStore(database, DOCUMENT_MODE);
  const { documents, hasMore, refused } = await store.take();
  assertEquals([documents, hasMore], [[], true]);
  assertEquals(refused.map(({ id, isDeadLetter }) => ({ id, isDeadLetter })), [{
    id: 0,
    isDeadLetter: true,
  }]);
  await assertRejects(() => store.take(), ClaimModeError);
  await endMode(database);
  assertEquals(await take(store), [1]);
});

Deno.test("CLAIM_MODE of document counts the takeovers of documents whose ranges it ends", async () => {
  await using database = await testDatabase("ranges");
  await using gone = open(database);
  await jobs(database).insertMany(pending(3));
  await gone.take(2);
  await expireRanges(database);
  await using store = openStore(database, DOCUMENT_MODE);
  await assertRejects(() => store.take(), ClaimModeError);
  await endMode(database);
  const { documents, takeovers } = await store.take();
  assertEquals([documents.map(({ id }) => id).toSorted(), takeovers], [[0, 1, 2], 2]);
});

Deno.test("CLAIM_MODE of range lets a document fail by its status if it takes no lease", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany(pending(2));
  const document = (await store.take()).documents[1]!;
  await validate(database, { $or: [OTHERS, { _pull: { $exists: false } }] });
  assertEquals(await store.deadLetter(document, "no good"), 1);
  assertEquals(await jobs(database).findOne({ _id: 1 }), { _id: 1, status: "failed" });
  const { attempts, by_reference, error } = await letters(database).findOne({ _id: 1 });
  assertEquals({ attempts, by_reference, error }, { attempts: 1, by_reference: true, error: "no good" });
});

Deno.test("CLAIM_MODE of range claims what only looks new, and reports one that the database lets take no time", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany([1, 2, 3].map((_id) => ({ _id, status: "pending", _pull: {} })));
  await validate(database, { $or: [OTHERS, { "_pull.visible_at": { $exists: false } }] });
  const first = await store.take();
  assertEquals([idsOf(first), first.hasMore, first.refused.map(({ id }) => id)], [[], true, [1]]);
  assertEquals(await take(store), [2, 3]);
  assertEquals((await store.take()).refused, []);
});

Deno.test("CLAIM_MODE of range takes another FILTER once the last has run out, and begins anew with it", async () => {
  await using database = await testDatabase("ranges");
  await jobs(database).insertMany([
    { _id: 1, status: "pending", kind: "b" },
    { _id: 2, status: "pending", kind: "a" },
  ]);
  await using document = openStore(database, { ...DOCUMENT_MODE, filter: '{"kind": "c"}' });
  assertEquals(await take(document), []);
  await endMode(database);
  await using one = openStore(database, { claimMode: "range", filter: '{"kind": "a"}' });
  assertEquals(await take(one), [2]);
  await one.close();
  await endMode(database);
  await using other = openStore(database, { claimMode: "range", filter: '{"kind": "b"}' });
  assertEquals(await take(other), [1]);
});

Deno.test("CLAIM_MODE of range claims no further range if agents hold too many", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany(pending(2));
  await store.take(1);
  const { ranges: [range] } = await control(database);
  const ranges = Array.from(
    { length: 1000 },
    (_, at) => ({ ...range, from: at, to: at + 0.5, token: `${at}` }),
  );
  await agents(database).updateOne({ _id: "ranges" }, { $set: { ranges, version: crypto.randomUUID() } });
  const error = await assertRejects(() => store.take(), ClaimModeError);
  assertStringIncludes(
    error.message,
    "The agents hold 1000 ranges of documents, which is as many as they may",
  );
});

for (const claimMode of ["document", "range"] as const) {
  Deno.test(`CLAIM_MODE of ${claimMode} claims beside a document of the ranges that a user has made`, async () => {
    await using database = await testDatabase("ranges");
    await agents(database).insertOne({ _id: "ranges", registry: "pulling-agent" });
    await jobs(database).insertMany(pending(2));
    await using store = openStore(database, { claimMode, fleet: "on" });
    assertEquals(await take(store), [0, 1]);
  });
}

for (
  const [what, options] of [
    ["is a view", { viewOn: "other", pipeline: [] }],
    ["refuses each document", { validator: { missing: { $exists: true } } }],
  ] as const
) {
  Deno.test(`CLAIM_MODE of document claims if the collection of the agents ${what}`, async () => {
    await using database = await testDatabase("ranges");
    await database.db.createCollection(`${COLLECTION}_agents`, options as AnyDocument);
    await jobs(database).insertMany(pending(2));
    await using store = openStore(database, DOCUMENT_MODE);
    assertEquals(await take(store), [0, 1]);
  });
}

Deno.test("CLAIM_MODE of document takes the mode again if it has run out without the agent's knowledge", async () => {
  await using database = await testDatabase("ranges");
  const { clock, setAhead } = shiftedClock();
  await using store = openStore(database, { ...DOCUMENT_MODE, clock });
  await store.backlog();
  assert(store.serverTime);
  // The machine was suspended: the server has gone on, and the agent's clock has not.
  setAhead(-61_000);
  await jobs(database).insertMany(pending(2));
  const { conflicts, documents } = await store.take();
  assertEquals([documents.length, conflicts], [2, 0]);
});

const CHANGES = {
  mode: [{ $unset: { mode: "" } }, { $set: { mode: "ranges" } }],
  version: [{ $unset: { version: "" } }, { $set: { version: 5 } }],
  ranges: [
    { $set: { ranges: null } },
    { $set: { ranges: "none" } },
    { $push: { ranges: { from: 1, to: 2, owner: "o", visible_at: LONG_AGO } } },
    { $push: { ranges: null } },
  ],
};

for (const [field, changes] of Object.entries(CHANGES)) {
  for (const change of changes) {
    Deno.test(`CLAIM_MODE of range refuses to claim if a user has changed its document: ${JSON.stringify(change)}`, async () => {
      await using database = await testDatabase("ranges");
      await using store = open(database);
      await jobs(database).insertMany(pending(2));
      await store.take(1);
      await agents(database).updateOne({ _id: "ranges" }, change as AnyDocument);
      await using other = open(database);
      const error = await assertRejects(() => other.take(), ClaimModeError);
      assertStringIncludes(error.message, `The field "${field}" of the document "ranges"`);
    });
  }
}

for (
  const [filter, why] of [["{", "is not Extended JSON"], ['{"status": "x"}', "asks for status"]] as const
) {
  Deno.test(`CLAIM_MODE of range asks by no filter of the ranges that FILTER could not have: ${filter}`, async () => {
    await using database = await testDatabase("ranges");
    await using gone = open(database);
    await jobs(database).insertMany(pending(1));
    await gone.take();
    await agents(database).updateOne({ _id: "ranges" }, { $set: { filter } });
    await expireRanges(database);
    await using store = openStore(database, DOCUMENT_MODE);
    assertStringIncludes((await assertRejects(() => store.take(), ClaimModeError)).message, why);
  });
}
