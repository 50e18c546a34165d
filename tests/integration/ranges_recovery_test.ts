import { assertEquals, assertRejects } from "@std/assert";
import type { Clock } from "../../agent/lib/clock.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { agents, control, open, untilRanges } from "../support/ranges.ts";
import { COLLECTION, idsOf, jobs, LONG_AGO, pending, type TestStore } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { shiftedClock } from "../support/shifted_clock.ts";

/** The write that claims a range. */
const SWAP = { command: "update", collection: `${COLLECTION}_agents`, part: "$push" };

/** Claims three of five new documents by a swap whose answer is lost, also as the driver sends it again. */
async function loseSwap(database: TestDatabase, proxy: TcpProxy, clock?: Clock): Promise<TestStore> {
  const store = open({ uri: proxy.uri, name: database.name }, clock && { clock });
  await jobs(database).insertMany(pending(5));
  const lost = proxy.loseAnswers(SWAP, 2);
  await assertRejects(() => store.take(3));
  assertEquals([lost.count, (await control(database)).ranges.length], [2, 1]);
  return store;
}

Deno.test("CLAIM_MODE of range claims what lies in a range whose swap had no answer, and no other agent does", async () => {
  await using database = await testDatabase("ranges");
  await using proxy = new TcpProxy(database.uri);
  await using store = await loseSwap(database, proxy);
  await using other = open(database);
  assertEquals(idsOf(await other.take()), [3, 4]);
  await jobs(database).updateOne({ _id: 1 }, { $set: { status: "on hold" } });
  const { documents } = await store.take(1);
  const { ranges } = await control(database);
  assertEquals([idsOf(documents), documents[0]!.token], [[0, 2], ranges[0].token]);
  assertEquals((await store.ack(documents.map((document) => ({ document })))).matched, 2);
  await untilRanges(database, 1);
});

Deno.test("recover() finds the documents of a range whose swap had no answer, as often as it takes", async () => {
  await using database = await testDatabase("ranges");
  await using proxy = new TcpProxy(database.uri);
  await using store = await loseSwap(database, proxy);
  // The driver reads twice by itself.
  proxy.loseAnswers({ command: "find", collection: COLLECTION }, 2);
  await assertRejects(() => store.recover());
  assertEquals(idsOf(await store.recover()), [0, 1, 2]);
  assertEquals(await store.recover(), []);
});

Deno.test("recover() drops a range whose swap had no answer for as long as it is held, and takes nothing of it", async () => {
  await using database = await testDatabase("ranges");
  await using proxy = new TcpProxy(database.uri);
  const { clock, setAhead } = shiftedClock();
  await using store = await loseSwap(database, proxy, clock);
  setAhead(60_000);
  assertEquals(await store.recover(), []);
  await untilRanges(database, 0);
  await using other = open(database);
  assertEquals(idsOf(await other.take()), [0, 1, 2, 3, 4]);
});

Deno.test("CLAIM_MODE of range claims retries if the document of the ranges was removed since a swap without an answer", async () => {
  await using database = await testDatabase("ranges");
  await using proxy = new TcpProxy(database.uri);
  await using store = await loseSwap(database, proxy);
  await agents(database).deleteMany({});
  await jobs(database).insertOne({ _id: 9, status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1 } });
  assertEquals(idsOf(await store.take()), [9]);
});
