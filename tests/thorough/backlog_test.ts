import { assert, assertEquals } from "@std/assert";
import { MAX_COUNTED } from "../../agent/events.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { profile } from "../support/profile.ts";
import { jobs, makeIndexes, openStore, type TestStore } from "../support/store.ts";

const DOCUMENTS = 2_000_000;
/** Documents that match a filter that matches almost nothing. */
const RARE = 5;
const CLAIMS = 200;

async function insertAll(database: TestDatabase): Promise<void> {
  const text = "x".repeat(100);
  const size = 50_000;
  for (let from = 0; from < DOCUMENTS; from += size) {
    const documents = Array.from({ length: size }, (_, index) => ({
      status: "pending",
      kind: from + index >= DOCUMENTS - RARE ? "rare" : "usual",
      text,
    }));
    await jobs(database).insertMany(documents, { ordered: false, writeConcern: { w: 1, journal: false } });
  }
}

/** How long claims took, in milliseconds: those that were alone, and those beside which something else was under way. */
async function claims(
  store: TestStore,
  beside: () => Promise<unknown>,
): Promise<Record<"alone" | "beside", number[]>> {
  const times: Record<"alone" | "beside", number[]> = { alone: [], beside: [] };
  for (let claim = 0; claim < CLAIMS; claim++) {
    const other = claim % 2 === 0 ? Promise.resolve() : beside();
    const startMs = performance.now();
    const { documents } = await store.take(100);
    times[claim % 2 === 0 ? "alone" : "beside"].push(performance.now() - startMs);
    assertEquals(documents.length, 100);
    await other;
  }
  return times;
}

const figures = (unsorted: readonly number[]) => {
  const times = unsorted.toSorted((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * times.length)]!.toFixed(1);
  return `median ${at(0.5)} ms, 95 % within ${at(0.95)} ms, longest ${at(0.9999)} ms`;
};

Deno.test("Backlog: among 2 million pending documents a look reads 10,000 keys and no more, and claims go on beside it", async () => {
  await using database = await testDatabase("backlog of millions");
  await using store = openStore(database);
  await using other = openStore(database);
  await using rare = openStore(database, { filter: '{"kind": "rare"}' });
  await makeIndexes(database, store);
  await insertAll(database);
  assertEquals(await jobs(database).estimatedDocumentCount(), DOCUMENTS);

  const looks = await profile(database, async () => {
    assertEquals((await store.backlog()).backlog.claimable, MAX_COUNTED);
  });
  const sum = (field: "keysExamined" | "docsExamined") =>
    looks.reduce((all, each) => all + (each[field] ?? 0), 0);
  assert(sum("keysExamined") <= MAX_COUNTED + 200, `${sum("keysExamined")} keys examined`);
  assert(sum("docsExamined") <= 200, `${sum("docsExamined")} documents examined`);

  const took: number[] = [];
  const common = await claims(other, async () => {
    const startMs = performance.now();
    assertEquals((await store.backlog()).problem, undefined);
    took.push(performance.now() - startMs);
  });
  console.log(`a look: ${figures(took)}`);
  console.log(`a claim of 100 documents alone: ${figures(common.alone)}`);
  console.log(`beside a look: ${figures(common.beside)}`);

  // Which documents match stands in no index: all are read, or as many as a second allows.
  let isOver = false;
  const look = rare.backlog().finally(() => isOver = true);
  const slow: number[] = [];
  while (!isOver) {
    const startMs = performance.now();
    await other.take(100);
    slow.push(performance.now() - startMs);
  }
  console.log(`beside a look for ${RARE} documents, which is given up after a second: ${figures(slow)}`);
  const { claimable } = (await look).backlog;
  assert(claimable === undefined || claimable === RARE, String(claimable));
});
