import { assert, assertEquals } from "@std/assert";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { control, open, processAll, untilRanges } from "../support/ranges.ts";
import { type AnyDocument, idsOf, jobs, pending, type TestStore } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const AT_RANDOM = { bytes: Infinity, atRandom: true } as const;

/** The bounds of the ranges, as they are stored. */
async function bounds(database: TestDatabase): Promise<[from: unknown, to: unknown][]> {
  const { ranges } = await control(database);
  return ranges.map(({ from, to }: AnyDocument) => [typeof from === "number" ? from : "beginning", to]);
}

async function ackAll(store: TestStore, claim: Awaited<ReturnType<TestStore["take"]>>): Promise<void> {
  await store.ack(claim.documents.map((document) => ({ document })));
}

Deno.test("CLAIM_MODE of range claims at random behind the last range, leaves the position, and others claim what lies between", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await using other = open(database);
  await jobs(database).insertMany(pending(60));
  assertEquals(idsOf(await store.take(5)), [0, 1, 2, 3, 4]);
  const aside = idsOf(await store.claim({ ...AT_RANDOM, documents: 3 })) as number[];
  const [first, last] = [aside[0]!, aside.at(-1)!];
  // The first document that lies there is the bound below.
  assert(first > 5, `${aside}`);
  assertEquals(aside, Array.from({ length: last - first + 1 }, (_, at) => first + at));
  assertEquals(await bounds(database), [["beginning", 4], [first - 1, last]]);
  assertEquals((await control(database)).position, 4);
  const again = idsOf(await store.claim({ ...AT_RANDOM, documents: 1 })) as number[];
  assert(again.every((id) => id > last || last >= 58), `${again} after ${aside}`);
  const rest = await processAll(other);
  const all = [0, 1, 2, 3, 4, ...aside, ...again, ...rest];
  assertEquals(all.toSorted((one, two) => Number(one) - Number(two)), pending(60).map(({ _id }) => _id));
});

Deno.test("CLAIM_MODE of range claims at random the only document there is, from the beginning", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany(pending(1, { from: 7 }));
  assertEquals(idsOf(await store.claim({ ...AT_RANDOM, documents: 3 })), [7]);
  assertEquals(await bounds(database), [["beginning", 7]]);
});

Deno.test("CLAIM_MODE of range keeps the ranges in the order of ids, and has the server sort them only if one comes between", async () => {
  await using database = await testDatabase("ranges");
  await using proxy = new TcpProxy(database.uri);
  await using store = open({ uri: proxy.uri, name: database.name });
  await jobs(database).insertMany([10, 20, 30, 40].map((_id) => ({ _id, status: "pending" })));
  const taken = async (ids: number[]) => {
    const claim = await store.take(1);
    assertEquals(idsOf(claim), ids);
    return claim;
  };
  const isSorted = async (work: () => Promise<unknown>) => {
    const recorded = await proxy.record(work);
    const swaps = recorded.flatMap(({ body, command }) =>
      command === "update" ? body.updates.map(({ u }: AnyDocument) => u.$push?.ranges) : []
    ).filter((push: AnyDocument) => push !== undefined);
    assertEquals(swaps.length, 1);
    return "$sort" in swaps[0];
  };
  const first = await taken([10]);
  const second = await taken([20]);
  assertEquals(await isSorted(() => taken([30])), false);
  await ackAll(store, first);
  await ackAll(store, second);
  await untilRanges(database, 1);
  await jobs(database).insertMany([5, 15].map((_id) => ({ _id, status: "pending" })));
  // What lies ahead comes first.
  assertEquals(await isSorted(() => taken([40])), false);
  assertEquals(await isSorted(() => taken([5])), true);
  assertEquals(await isSorted(() => taken([15])), true);
  assertEquals(await bounds(database), [["beginning", 5], [5, 15], [20, 30], [30, 40]]);
});
