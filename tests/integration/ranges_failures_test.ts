import { assert, assertEquals, assertRejects } from "@std/assert";
import { Binary } from "mongodb";
import { ClaimsRefusedError } from "../../agent/store/claims/refusal_streak.ts";
import { failCommand } from "../support/fail_command.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { agents, endMode, expireRanges, open, untilRanges, validate } from "../support/ranges.ts";
import { COLLECTION, idsOf, jobs, letters, LONG_AGO, openStore, pending } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { shiftedClock } from "../support/shifted_clock.ts";

const DOCUMENT_MODE = { claimMode: "document", fleet: "on" } as const;
const DUE = { visible_at: LONG_AGO, attempts: 1 };

/** A name by which a fail point knows a client, and where that connects to. */
function named(database: TestDatabase) {
  const appName = crypto.randomUUID();
  return { appName, place: { name: database.name, uri: `${database.uri}&appName=${appName}` } };
}

Deno.test("CLAIM_MODE of range counts the takeovers of documents that were marked before a write that failed", async () => {
  await using database = await testDatabase("ranges");
  await using gone = open(database);
  // More than are marked by one write.
  await jobs(database).insertMany(pending(1200));
  await gone.take(1200);
  await expireRanges(database);
  const { appName, place } = named(database);
  await using store = open(place);
  const { namespace } = jobs(database);
  {
    const marks = { failCommands: ["update"], namespace, errorCode: 8000 };
    await using _failing = await failCommand(appName, marks, { skip: 1 });
    await assertRejects(() => store.take());
  }
  assertEquals(await jobs(database).countDocuments({ "_pull.takeovers": 1 }), 1000);
  await expireRanges(database);
  const ids = new Set<unknown>();
  let takeovers = 0;
  for (let claims = 0; ids.size < 1200; claims++) {
    assert(claims < 100);
    const claim = await store.take(500);
    for (const id of idsOf(claim)) ids.add(id);
    takeovers += claim.takeovers;
  }
  assertEquals(takeovers, 1200);
});

Deno.test("CLAIM_MODE of range claims what both modes claim alike if the mode has changed since a swap without an answer", async () => {
  await using database = await testDatabase("ranges");
  const { appName, place } = named(database);
  await using store = open(place);
  await using other = openStore(database, DOCUMENT_MODE);
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take(1);
  await store.ack(documents.map((document) => ({ document })));
  await untilRanges(database, 0);
  {
    // Neither the swap arrives, nor the same when the driver sends it again.
    const swaps = { failCommands: ["update"], namespace: agents(database).namespace, closeConnection: true };
    await using _failing = await failCommand(appName, swaps, { times: 2 });
    await assertRejects(() => store.take(1));
  }
  await endMode(database);
  assertEquals(idsOf(await other.take()), [1]);
  await jobs(database).insertOne({ _id: 9, status: "pending", _pull: DUE });
  assertEquals(idsOf(await store.take()), [9]);
});

/** Agents in range mode come, while one in document mode still believes to have the mode. */
async function rangeMode(database: TestDatabase, ranges: readonly unknown[] = []): Promise<void> {
  const mode = { mode: "range", mode_until: new Date(Date.now() + 600_000), version: "v", filter: null };
  await agents(database).updateOne({ _id: "ranges" }, { $set: { ...mode, ranges } });
}

Deno.test("CLAIM_MODE of document reports the letters of a range that it ends as it tries whether all claims are refused", async () => {
  await using database = await testDatabase("ranges");
  const { clock, setAhead } = shiftedClock();
  await using store = openStore(database, { ...DOCUMENT_MODE, clock });
  await jobs(database).insertMany(pending(20));
  await validate(database, { $or: [{ data: { $exists: true } }, { _pull: { $exists: false } }] });
  await assertRejects(() => store.take(), ClaimsRefusedError);
  // Too large for bookkeeping.
  const data = new Binary(new Uint8Array(16 * 1024 * 1024 - 67));
  await jobs(database).insertOne({ _id: 100, status: "pending", data });
  await rangeMode(database, [{ from: 99, to: 100, token: "t", owner: "gone", visible_at: LONG_AGO }]);
  setAhead(50_000);
  const { refused } = await store.take();
  assertEquals(refused.flatMap(({ id, isDeadLetter }) => isDeadLetter ? [id] : []), [100]);
});

Deno.test("CLAIM_MODE of document beside range mode claims retries again after all claims were refused", async () => {
  await using database = await testDatabase("ranges");
  const { clock, setAhead } = shiftedClock();
  await using store = openStore(database, { ...DOCUMENT_MODE, clock });
  await jobs(database).insertMany(pending(1));
  await store.ack((await store.take()).documents.map((document) => ({ document })));
  await jobs(database).insertMany(pending(12, { from: 10, _pull: DUE }));
  await validate(database, { status: { $ne: "processing" } });
  await assertRejects(() => store.take(), ClaimsRefusedError);
  await validate(database, {});
  await rangeMode(database);
  await jobs(database).insertMany(pending(3, { from: 50 }));
  setAhead(50_000);
  assertEquals(idsOf(await store.take()).length, 12);
});

for (const [status, left] of [["on hold", 0], ["failed", 1]] as const) {
  Deno.test(`CLAIM_MODE of range ${left ? "keeps" : "removes"} the letter of a document that takes no lease if its status is ${status} before the mark`, async () => {
    await using database = await testDatabase("ranges");
    await using proxy = new TcpProxy(database.uri);
    await using store = open({ uri: proxy.uri, name: database.name });
    await jobs(database).insertMany(pending(2));
    const document = (await store.take()).documents[1]!;
    await validate(database, { _pull: { $exists: false } });
    const mark = proxy.hold({ command: "update", collection: COLLECTION, part: '"status":"failed"' });
    const made = store.deadLetter(document, "no good");
    await mark.arrived;
    assertEquals(await letters(database).distinct("_id"), [1]);
    // A user has changed it, or an earlier mark has come whose answer was lost.
    await jobs(database).updateOne({ _id: 1 }, { $set: { status } });
    mark.pass();
    assertEquals(await made, 0);
    assertEquals(await letters(database).countDocuments(), left);
    assertEquals(await jobs(database).findOne({ _id: 1 }), { _id: 1, status });
  });
}
