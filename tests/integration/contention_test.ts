import { assert, assertEquals } from "@std/assert";
import type { Claim } from "../../agent/ports.ts";
import { testDatabase } from "../support/mongod.ts";
import { COLLECTION, idsOf, jobs, openStore, pending } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

Deno.test("Eight claimers that share 5,000 documents never share one", async () => {
  await using database = await testDatabase("contention");
  await using stack = new AsyncDisposableStack();
  const stores = Array.from({ length: 8 }, () => stack.use(openStore(database)));
  await stores[0]!.ensureIndexes();
  await jobs(database).insertMany(pending(5_000));

  let conflicts = 0;
  const claims = await Promise.all(stores.map(async (store) => {
    const mine: unknown[] = [];
    for (let claim: Claim; (claim = await store.take(100)).more || claim.documents.length > 0;) {
      conflicts += claim.conflicts;
      mine.push(...idsOf(claim));
      assertEquals(
        await store.ack(claim.documents.map((document) => ({ document }))),
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

Deno.test("What two claims read alike goes to one of them, and the other counts conflicts", async () => {
  await using database = await testDatabase("contention");
  await using proxy = new TcpProxy(database.uri);
  await using late = openStore({ uri: proxy.uri, name: database.name });
  await using quick = openStore(database);
  await jobs(database).insertMany(pending(30));
  const claim = proxy.hold({ command: "update", collection: COLLECTION });
  const taken = late.take(20);
  await claim.arrived;
  assertEquals(idsOf(await quick.take(5)).length, 5);
  claim.pass();

  const { documents, conflicts, more } = await taken;
  assertEquals(idsOf(documents), Array.from({ length: 15 }, (_, index) => index + 5));
  assertEquals([conflicts, more], [5, true]);
});

Deno.test("A claim with conflicts is followed by ones from a wider window, until five went without", async () => {
  await using database = await testDatabase("contention");
  await using proxy = new TcpProxy(database.uri);
  await using store = openStore({ uri: proxy.uri, name: database.name });
  await jobs(database).insertMany(pending(500));
  assertEquals(await isFirstInLine(), true);
  const claim = proxy.hold({ command: "update", collection: COLLECTION });
  const taken = store.take(10);
  await claim.arrived;
  await jobs(database).updateMany({}, { $set: { status: "pending" }, $unset: { _pull: "" } });
  await jobs(database).deleteOne({ _id: 15 });
  claim.pass();
  assertEquals((await taken).conflicts, 1);

  // A contended claim asks for four times its batch and reads back what it got.
  for (let calm = 1; calm <= 5; calm++) {
    assertEquals(await commands(), ["find", "update", "find"], `claim ${calm} after the conflict`);
  }
  assertEquals(await commands(), ["find", "update"], "contention is over");
  assertEquals(await isFirstInLine(), true);

  async function commands(): Promise<string[]> {
    const recorded = await proxy.record(() => store.take(10));
    // The rarer kinds are looked for once a second: those looks are no part of this.
    const names = recorded.filter(({ collection }) => collection === COLLECTION).map(({ command }) =>
      command
    );
    return names.slice(names.indexOf("update") - 1);
  }
  async function isFirstInLine(): Promise<boolean> {
    const next = await jobs(database).find({ status: "pending" }).sort({ _id: 1 }).limit(10).toArray();
    const ids = idsOf(await store.take(10));
    return ids.every((id, index) => id === next[index]._id);
  }
});

Deno.test("Contended claims start anywhere in their window", async () => {
  await using database = await testDatabase("contention");
  await using proxy = new TcpProxy(database.uri);
  await jobs(database).insertMany(pending(100));
  const starts = new Set<unknown>();
  for (let round = 0; round < 10; round++) {
    await using store = openStore({ uri: proxy.uri, name: database.name });
    const claim = proxy.hold({ command: "update", collection: COLLECTION });
    const taken = store.take(10);
    await claim.arrived;
    await jobs(database).updateMany({}, { $set: { status: "processed" } });
    claim.pass();
    assertEquals((await taken).conflicts, 10);
    await jobs(database).updateMany({}, { $set: { status: "pending" }, $unset: { _pull: "" } });
    const ids = idsOf(await store.take(10)) as number[];
    assertEquals(ids.length, 10);
    assert(Math.max(...ids) < 40, "a window is four batches wide");
    starts.add(Math.min(...ids));
    await jobs(database).updateMany({}, { $set: { status: "pending" }, $unset: { _pull: "" } });
  }
  assert(starts.size > 1, "ten contended claims all started at the same document");
});
