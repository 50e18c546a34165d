import { assert, assertEquals } from "@std/assert";
import { MAX_COUNTED } from "../../agent/events.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { MAX_SHOWN } from "../../agent/store/fleet/work_counts.ts";
import { OverviewReader } from "../../control/fleet/overview_reader.ts";
import { fleetLook } from "../support/fleet_agents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { profile } from "../support/profile.ts";
import { jobs, letters, makeIndexes, openStore } from "../support/store.ts";

const [DOCUMENTS, LETTERS, BATCH, LOOKS] = [2_000_000, 200_000, 50_000, 10];

async function insertAll(database: TestDatabase): Promise<void> {
  const [quickly, text] = [{ ordered: false, writeConcern: { w: 1, journal: false } }, "x".repeat(100)];
  const batch = <T>(make: (at: number) => T) => Array.from({ length: BATCH }, (_, at) => make(at));
  for (let from = 0; from < DOCUMENTS; from += BATCH) {
    await jobs(database).insertMany(batch(() => ({ status: "pending", text })), quickly);
  }
  for (let from = 0; from < LETTERS; from += BATCH) {
    const dead_at = new Date(Date.now() - LETTERS + from);
    const failed = batch((at) => ({ _id: `failed ${from + at}`, status: "failed", _pull: { dead_at } }));
    await jobs(database).insertMany(failed, quickly);
    const source = { database: database.name, collection: "jobs" };
    const letter = batch((at) => ({
      _id: `failed ${from + at}`,
      error: `no price for ${at}`,
      dead_at,
      source,
      document: { text },
    }));
    await letters(database).insertMany(letter, quickly);
  }
}

Deno.test("OverviewReader: among 2 million waiting documents and 200,000 letters a look reads as many keys as it counts, and tells the newest errors", async () => {
  await using database = await testDatabase("overview of millions");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await insertAll(database);
  const fleet = { look: () => Promise.resolve(fleetLook()) };
  const reader = async () =>
    new OverviewReader({
      clock: systemClock,
      fleet,
      letters: await store.forCommands.letters(),
      source: "shop.jobs",
      work: store.forCommands.workCounts(),
    });
  for (const index of [false, true]) {
    if (index) await letters(database).createIndex({ dead_at: 1 });
    const took: number[] = [];
    for (let look = 0; look < LOOKS; look++) {
      const looks = await reader();
      const startMs = performance.now();
      const { errors, work } = await looks.look();
      took.push(performance.now() - startMs);
      console.log(`a look: ${took.at(-1)!.toFixed(0)} ms`);
      assertEquals([work.waiting, work.dead_letters], [
        { n: MAX_SHOWN, capped: true },
        { n: MAX_COUNTED, capped: true },
      ]);
      assertEquals(errors.map(({ count, pattern }) => [count, pattern]), [[1000, "no price for #"]]);
    }
    const longest = Math.max(...took).toFixed(0);
    console.log(`first looks${index ? " with an index on dead_at" : ""}: at most ${longest} ms`);
  }
  const asked = await profile(database, async () => await (await reader()).look());
  for (const { command, docsExamined = 0, keysExamined = 0 } of asked) {
    assert(Math.max(docsExamined, keysExamined) <= MAX_SHOWN + 10, JSON.stringify(command.pipeline));
  }
  const looks = await reader();
  const startMs = performance.now();
  let looked = 0;
  while (performance.now() - startMs < 10_000) {
    await Promise.all(Array.from({ length: 20 }, () => looks.look()));
    looked += 20;
    await new Promise((done) => setTimeout(done, 100));
  }
  console.log(`${looked} looks of 20 viewers within ten seconds`);
});
