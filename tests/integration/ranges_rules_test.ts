import { assert, assertEquals, assertRejects } from "@std/assert";
import { ClaimModeError } from "../../agent/errors.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { ServerClock } from "../../agent/store/connection/server_clock.ts";
import { RangeControl } from "../../agent/store/ranges/range_control.ts";
import { invoiced, invoiceFor } from "../support/effects.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { agents, control, expireRanges, open } from "../support/ranges.ts";
import {
  type AnyDocument,
  COLLECTION,
  idsOf,
  jobs,
  letters,
  LONG_AGO,
  MONGODB,
  openStore,
} from "../support/store.ts";
import { pending, type TestStore } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { shiftedClock } from "../support/shifted_clock.ts";

const AGENTS = `${COLLECTION}_agents`;
/** The write that claims a range. */
const SWAP = { command: "update", collection: AGENTS, part: "$push" };
/** A change of documents that are held in a range. */
const WRITE = { command: "update", collection: COLLECTION };

/** A store in range mode behind a proxy. */
function behind(proxy: TcpProxy, database: TestDatabase): TestStore {
  const agentName = crypto.randomUUID();
  return openStore({ uri: proxy.uri, name: database.name }, { claimMode: "range", agentName });
}

/** What reads and changes the document of the ranges, as each store has it. */
function controlOf(database: TestDatabase): RangeControl {
  const serverClock = new ServerClock(systemClock);
  serverClock.observe(new Date(), "any");
  return new RangeControl({
    collection: agents(database),
    server: MONGODB,
    serverClock,
    maxTimeMS: 10_000,
    owner: "test",
  });
}

async function ackAll(
  store: TestStore,
  { documents }: Awaited<ReturnType<TestStore["take"]>>,
): Promise<void> {
  await store.ack(documents.map((document) => ({ document })));
}

Deno.test("CLAIM_MODE of range: a swap misses if another agent has claimed since the ranges were read (rule R8a)", async () => {
  await using database = await testDatabase("rules");
  await using proxy = new TcpProxy(database.uri);
  await using slow = behind(proxy, database);
  await using other = open(database);
  await jobs(database).insertMany(pending(4));
  const swap = proxy.hold(SWAP);
  const claim = slow.take(2);
  await swap.arrived;
  assertEquals(idsOf(await other.take(2)), [0, 1]);
  swap.pass();
  assertEquals(idsOf(await claim), [2, 3]);
});

Deno.test("CLAIM_MODE of range: the ranges are read before the ids (rule R8b)", async () => {
  await using database = await testDatabase("rules");
  await using proxy = new TcpProxy(database.uri);
  await using slow = behind(proxy, database);
  await using other = open(database);
  // The mode is taken, and nothing is left to look for.
  assertEquals(idsOf(await slow.take()), []);
  await jobs(database).insertMany(pending(2));
  const ids = proxy.holdAnswer({ command: "find", collection: COLLECTION, part: '"_pull.visible_at":null' });
  const claim = slow.take();
  await ids.arrived;
  await ackAll(other, await other.take());
  await other.close();
  ids.pass();
  assertEquals(idsOf(await claim), []);
});

/** A range of two documents that has run out, and the control of it. */
async function withRangeThatRanOut(database: TestDatabase) {
  await using store = open(database);
  const ranges = controlOf(database);
  await jobs(database).insertMany(pending(2));
  await store.take();
  await expireRanges(database);
  return { range: (await ranges.read())!.ranges[0]!, ranges };
}

Deno.test("CLAIM_MODE of range: a takeover misses if the range has another holder since it was read (rule R11b)", async () => {
  await using database = await testDatabase("rules");
  const { range, ranges } = await withRangeThatRanOut(database);
  const next = () => ({ token: crypto.randomUUID(), visible_at: LONG_AGO });
  assert(await ranges.takeOver(range, next()));
  assertEquals(await ranges.takeOver(range, next()), false);
});

Deno.test("CLAIM_MODE of range: a takeover misses if a part of the range was cut off since it was read (rule R11c)", async () => {
  await using database = await testDatabase("rules");
  const { range, ranges } = await withRangeThatRanOut(database);
  await ranges.cut({ ...range, from: 0, visible_at: LONG_AGO });
  await expireRanges(database);
  assertEquals(await ranges.takeOver(range, { token: "other", visible_at: LONG_AGO }), false);
});

Deno.test("CLAIM_MODE of range: what was read of a range that ran out is marked only if its takeover has matched (rule R11a)", async () => {
  await using database = await testDatabase("rules");
  await using proxy = new TcpProxy(database.uri);
  await using slow = behind(proxy, database);
  await withRangeThatRanOut(database);
  const takeover = proxy.hold({ command: "update", collection: AGENTS, part: "ranges.$.owner" });
  const claim = slow.take();
  await takeover.arrived;
  // Another agent finishes the range, and its documents come to be held in a new one.
  await agents(database).updateOne({ _id: "ranges" }, { $set: { ranges: [], version: "another" } });
  await using other = open(database);
  assertEquals(idsOf(await other.take()), [0, 1]);
  takeover.pass();
  assertEquals(idsOf(await claim), []);
  assertEquals(await jobs(database).find().sort({ _id: 1 }).toArray(), pending(2));
});

Deno.test("CLAIM_MODE of range: what the FILTER of a range leaves out gets no bookkeeping from an agent with another one (rule R17)", async () => {
  await using database = await testDatabase("rules");
  await using store = openStore(database, { claimMode: "range", filter: '{"kind": "a"}' });
  const kinds = ["a", "b", "a", "c"];
  await jobs(database).insertMany(kinds.map((kind, _id) => ({ _id, kind, status: "pending" })));
  assertEquals(idsOf(await store.take()), [0, 2]);
  await expireRanges(database);
  await using document = openStore(database, {
    claimMode: "document",
    fleet: "on",
    filter: '{"kind": "c"}',
  });
  await assertRejects(() => document.take(), ClaimModeError);
  assertEquals((await control(database)).ranges, []);
  const touched = await jobs(database).find({ _pull: { $exists: true } }).sort({ _id: 1 }).toArray();
  assertEquals(touched.map(({ _id }) => _id), [0, 2]);
});

Deno.test("CLAIM_MODE of range: a range that ran out stays until its marks are answered (rule R11d)", async () => {
  await using database = await testDatabase("rules");
  await using proxy = new TcpProxy(database.uri);
  await using slow = behind(proxy, database);
  await withRangeThatRanOut(database);
  proxy.loseAnswers({ ...WRITE, part: "takeovers" });
  await slow.take().catch(() => {});
  assertEquals((await control(database)).ranges.length, 1);
});

Deno.test("CLAIM_MODE of range: a late ack misses a document with bookkeeping (rule R2a)", async () => {
  await using database = await testDatabase("rules");
  await using gone = open(database);
  await using store = open(database);
  await jobs(database).insertMany(pending(1));
  const { documents } = await gone.take();
  await expireRanges(database);
  await store.release((await store.take()).documents);
  assertEquals((await gone.ack(documents.map((document) => ({ document })))).matched, 0);
  assertEquals((await jobs(database).findOne({ _id: 0 })).status, "pending");
});

Deno.test("CLAIM_MODE of range: a range stays as long as an ack under it has no answer (rule R13a)", async () => {
  await using database = await testDatabase("rules");
  await using proxy = new TcpProxy(database.uri);
  await using store = behind(proxy, database);
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take();
  const acks = documents.map((document) => ({ document }));
  proxy.loseAnswers(WRITE);
  await assertRejects(() => store.ack(acks));
  await store.recover();
  assertEquals((await control(database)).ranges.length, 1);
  await store.ack(acks);
  await store.close();
  assertEquals((await control(database)).ranges, []);
});

Deno.test("CLAIM_MODE of range: writes are made with the ack of a document in a range, or not at all (rule R16)", async () => {
  await using database = await testDatabase("rules");
  await using store = open(database);
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take();
  await jobs(database).updateOne({ _id: 1 }, { $set: { status: "on hold" } });
  const acks = documents.map((document) => ({ document, writes: [invoiceFor(document.id)] }));
  const { matched, missed } = await store.ackWithWrites(acks);
  assertEquals([matched, idsOf(missed)], [1, [1]]);
  assertEquals(await invoiced(database), [0]);
});

Deno.test("CLAIM_MODE of range: a dead letter out of a range is a copy, and its document carries the verdict (rule R18)", async () => {
  await using database = await testDatabase("rules");
  await using store = open(database);
  await jobs(database).insertMany(pending(1));
  const [document] = (await store.take()).documents;
  assertEquals(await store.deadLetter(document!, "no"), 1);
  const { _pull, status } = await jobs(database).findOne({ _id: 0 });
  const { by_reference, dead_at } = await letters(database).findOne({ _id: 0 });
  assertEquals([status, by_reference, _pull.dead_at], ["failed", undefined, dead_at]);
});

Deno.test("CLAIM_MODE of range: a lease of its own is not given to a document that another agent holds (rule R20b)", async () => {
  await using database = await testDatabase("rules");
  await using gone = open(database);
  await using store = open(database);
  await jobs(database).insertMany(pending(1));
  const [document] = (await gone.take()).documents;
  await expireRanges(database);
  const claim = await store.take();
  assertEquals(await gone.deadLetter(document!, "no"), 0);
  assertEquals((await store.ack(claim.documents.map((each) => ({ document: each })))).matched, 1);
});

Deno.test("CLAIM_MODE of range: a lease of a document's own is renewed with the others (rule R20e)", async () => {
  await using database = await testDatabase("rules");
  await using store = open(database);
  await jobs(database).insertMany(pending(1));
  const { documents } = await store.take();
  assertEquals(await store.renew(documents), []);
  await jobs(database).updateOne({ _id: 0 }, { $set: { "_pull.visible_at": LONG_AGO } });
  assertEquals(await store.renew(documents), []);
  assert((await jobs(database).findOne({ _id: 0 }))._pull.visible_at > new Date());
});

Deno.test("CLAIM_MODE of range: a swap that was prepared in an earlier mode misses (rule R14d)", async () => {
  await using database = await testDatabase("rules");
  await using proxy = new TcpProxy(database.uri);
  await using slow = behind(proxy, database);
  await jobs(database).insertMany(pending(2));
  const swap = proxy.hold(SWAP);
  const claim = slow.take();
  await swap.arrived;
  await endMode(database);
  await using document = openStore(database, { claimMode: "document", fleet: "on" });
  await ackAll(document, await document.take());
  await endMode(database);
  await using other = open(database);
  assertEquals(idsOf(await other.take()), []);
  swap.pass();
  assertEquals(idsOf(await claim), []);
});

Deno.test("CLAIM_MODE of document claims nothing under a mode that has run out (rule R14e)", async () => {
  await using database = await testDatabase("rules");
  const { clock, setAhead } = shiftedClock();
  await using store = openStore(database, { claimMode: "document", fleet: "on", clock });
  await store.backlog();
  // The machine was suspended: the server has gone on, and the agent's clock has not.
  setAhead(-61_000);
  await jobs(database).insertMany(pending(2));
  assertEquals(idsOf(await store.take()), [0, 1]);
  const { mode_until: until } = await control(database);
  assert(until > new Date(), "the claim was made although the mode had run out");
});

/** Lets the lease of the mode run out. */
async function endMode(database: TestDatabase): Promise<void> {
  const update: AnyDocument = { $set: { mode_until: LONG_AGO } };
  await agents(database).updateOne({ _id: "ranges" }, update);
}
