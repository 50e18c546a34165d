import { assert, assertEquals, assertRejects } from "@std/assert";
import { MongoClient } from "mongodb";
import type { Claim, LeasedDocument } from "../../agent/ports.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import {
  COLLECTION,
  idsOf,
  jobs,
  LONG_AGO,
  makeIndexes,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

Deno.test("Claimer: eight that share 5,000 documents never claim the same one", async () => {
  await using database = await testDatabase("contention");
  await using stack = new AsyncDisposableStack();
  const stores = Array.from({ length: 8 }, () => stack.use(openStore(database)));
  await makeIndexes(database, stores[0]!);
  await jobs(database).insertMany(pending(5_000));

  let conflicts = 0;
  const claims = await Promise.all(stores.map(async (store) => {
    const mine: unknown[] = [];
    for (let claim: Claim; (claim = await store.take(100)).hasMore || claim.documents.length > 0;) {
      conflicts += claim.conflicts;
      mine.push(...idsOf(claim));
      assertEquals(
        (await store.ack(claim.documents.map((document) => ({ document })))).matched,
        claim.documents.length,
      );
    }
    return mine;
  }));
  const all = claims.flat() as number[];
  assertEquals(all.length, 5_000);
  assertEquals(new Set(all).size, 5_000);
  assertEquals(await jobs(database).countDocuments({ status: "processed", "_pull.attempts": 1 }), 5_000);
  assert(conflicts > 0, "eight claimers that start together must have wanted the same documents");
});

Deno.test("Claimer: of two claims that read the same documents one gets them, the other counts conflicts", async () => {
  await using setup = await proxiedStore("contention");
  const { database, proxy, store: late, other: quick } = setup;
  await jobs(database).insertMany(pending(30));
  const claim = proxy.hold({ command: "update", collection: COLLECTION });
  const taken = late.take(20);
  await claim.arrived;
  assertEquals(idsOf(await quick.take(5)).length, 5);
  claim.pass();

  const { documents, conflicts, hasMore } = await taken;
  assertEquals(idsOf(documents), Array.from({ length: 15 }, (_, index) => index + 5));
  assertEquals([conflicts, hasMore], [5, true]);
});

/** Makes `store` find that another claimed the first of its candidates, out of its batch of ten. */
async function meetSomebody(store: TestStore, proxy: TcpProxy, database: TestDatabase): Promise<Claim> {
  const claim = proxy.hold({ command: "update", collection: COLLECTION });
  const taken = store.take(10);
  await claim.arrived;
  const first = await jobs(database).findOne({ status: "pending" }, { sort: { _id: 1 } });
  await jobs(database).updateOne({ _id: first._id }, { $set: { status: "processed" } });
  claim.pass();
  return await taken;
}

Deno.test("ScanCursor: an agent that meets another claims at another place, reads nothing back, and skips no document", async () => {
  await using setup = await proxiedStore("contention");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1000));
  const met = await meetSomebody(store, proxy, database);
  assertEquals([idsOf(met).length, met.conflicts, met.hasMore], [9, 1, true]);

  const recorded = await proxy.record(() => store.take(10));
  // The rarer kinds are looked for once a second: those looks are no part of this.
  const commands = recorded.filter(({ collection }) => collection === COLLECTION).map(({ command }) =>
    command
  );
  assertEquals(commands.slice(-2), ["find", "update"]);

  const [one, next] = [idsOf(await store.take(10)) as number[], idsOf(await store.take(10)) as number[]];
  assertEquals(next, one.map((id) => id + 10), "it follows the order from where it went");

  let rest = 0;
  for (let claim: Claim; (claim = await store.take(100)).hasMore || claim.documents.length > 0;) {
    rest += claim.documents.length;
    assertEquals(claim.conflicts, 0);
  }
  assertEquals(9 + 10 + 20 + rest, 999);
  assertEquals(await jobs(database).countDocuments({ status: "pending" }), 0);
});

Deno.test("ScanCursor: an agent that cannot read at its place returns to the head", async () => {
  await using database = await testDatabase("contention");
  await using proxy = new TcpProxy(database.uri);
  const appName = "cannot-read";
  const uri = new URL(proxy.uri);
  uri.searchParams.set("appName", appName);
  await using store = openStore({ uri: uri.href, name: database.name });
  await jobs(database).insertMany(pending(1000));
  await meetSomebody(store, proxy, database);
  await using admin = new MongoClient(database.uri);
  const failPoint = (mode: unknown, data = {}) =>
    admin.db("admin").command({ configureFailPoint: "failCommand", mode, data });
  const timedOut = 50;
  await failPoint("alwaysOn", { appName, failCommands: ["find"], errorCode: timedOut });
  try {
    await assertRejects(() => store.take(10));
  } finally {
    await failPoint("off");
  }
  const head = await jobs(database).findOne({ status: "pending" }, { sort: { _id: 1 } });
  assertEquals(idsOf(await store.take(10))[0], head._id);
});

Deno.test("Settlements: documents that came one by one are renewed, acked and released over a handful of connections", async () => {
  await using setup = await proxiedStore("connections");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(90));
  const documents: LeasedDocument[] = [];
  while (documents.length < 90) documents.push(...(await store.take(1)).documents);
  assertEquals(await store.renew(documents), []);
  const [acked, released] = [documents.slice(0, 45), documents.slice(45)];
  assertEquals((await store.ack(acked.map((document) => ({ document })))).matched, 45);
  assertEquals((await store.release(released)).matched, 45);
  assert(proxy.accepted < 20, `${proxy.accepted} connections`);
});

Deno.test("ScanCursor: agents that meet another do not all go to the same place", async () => {
  await using database = await testDatabase("contention");
  await using proxy = new TcpProxy(database.uri);
  await jobs(database).insertMany(pending(2000));
  const starts = new Set<unknown>();
  for (let agent = 0; agent < 10; agent++) {
    await using store = openStore({ uri: proxy.uri, name: database.name });
    await meetSomebody(store, proxy, database);
    starts.add(idsOf(await store.take(10))[0]);
  }
  assert(starts.size > 1, "ten agents all went to the same document");
});

Deno.test("ScanCursor: an agent that loses retries and expired leases to others moves on among them, and none is left", async () => {
  await using setup = await proxiedStore("contention");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(200, { _pull: { visible_at: LONG_AGO, attempts: 1 } }));
  assertEquals((await meetSomebody(store, proxy, database)).conflicts, 1);
  let taken = 9;
  for (let claim: Claim; (claim = await store.take(10)).hasMore || claim.documents.length > 0;) {
    taken += claim.documents.length;
  }
  assertEquals(taken, 199);
});
