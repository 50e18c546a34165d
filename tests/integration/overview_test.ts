import { assert, assertEquals, assertMatch } from "@std/assert";
import { MAX_COUNTED } from "../../agent/events.ts";
import type { FleetLook } from "../../agent/fleet/fleet_view.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { MAX_SHOWN } from "../../agent/store/fleet/work_counts.ts";
import { openOverview } from "../../control/fleet/open_overview.ts";
import { OverviewReader } from "../../control/fleet/overview_reader.ts";
import { fleetAgent, fleetLook } from "../support/fleet_agents.ts";
import { failAll } from "../support/letters_for_commands.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { profile, type Profiled } from "../support/profile.ts";
import { isOlderThan } from "../support/server_version.ts";
import {
  COLLECTION,
  jobs,
  letters,
  LONG_AGO,
  makeIndexes,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";

const exactly = (n: number) => ({ n, capped: false });
const NOT_LESS = { waiting: null, scheduled: null, in_flight: null, dead_letters: null };
const later = (ms: number) => new Date(Date.now() + ms);
const held = { token: "t", owner: "one", attempts: 1 };

/** Reads what a store's database has, with a fleet that is given. */
async function reader(store: TestStore, fleet: Partial<FleetLook> = {}): Promise<OverviewReader> {
  const found = fleetLook(fleet);
  return new OverviewReader({
    clock: systemClock,
    fleet: { look: () => Promise.resolve(found) },
    letters: await store.forCommands.letters(),
    source: "db.jobs",
    work: store.forCommands.workCounts(),
  });
}

Deno.test("OverviewReader: what waits, is scheduled, in flight and failed is counted each by itself", async () => {
  await using database = await testDatabase("overview");
  await using store = openStore(database);
  await makeIndexes(database, store);
  const empty = (await (await reader(store)).look()).work;
  assertEquals(empty, {
    waiting: exactly(0),
    oldest_s: null,
    scheduled: exactly(0),
    next_due_s: null,
    in_flight: exactly(0),
    dead_letters: exactly(0),
    at_least: NOT_LESS,
    processed_per_s: null,
    failed_per_s: null,
    drained_in_s: 0,
  });
  await jobs(database).insertMany(pending(2));
  await failAll(store, "no price for 17");
  await failAll(store, "no price for 18");
  await jobs(database).insertMany([
    ...pending(4, { from: 100 }),
    ...pending(1, { from: 200, _pull: { visible_at: later(-90_000), attempts: 1 } }),
    ...pending(2, { from: 300, _pull: { visible_at: later(600_000), attempts: 1 } }),
    ...pending(1, { from: 400, _pull: { visible_at: later(100_000), attempts: 1 } }),
    ...pending(5, { from: 500, status: "processing", _pull: { ...held, visible_at: later(60_000) } }),
    ...pending(3, { from: 600, status: "processing", _pull: { ...held, visible_at: LONG_AGO } }),
    ...pending(9, { from: 700, status: "processed" }),
  ]);
  const { errors, notes, work } = await (await reader(store)).look();
  assertEquals(notes, []);
  const { next_due_s, oldest_s, ...counts } = work;
  assertEquals(counts, {
    waiting: exactly(8),
    scheduled: exactly(3),
    in_flight: exactly(5),
    dead_letters: exactly(2),
    at_least: NOT_LESS,
    processed_per_s: null,
    failed_per_s: null,
    drained_in_s: null,
  });
  assert(next_due_s! > 90 && next_due_s! <= 100, `${next_due_s}`);
  assert(oldest_s! > 1_000_000, `${oldest_s}`);
  assertEquals(errors.map(({ count, of, pattern }) => [of, count, pattern]), [
    ["dead_letters", 2, "no price for #"],
  ]);
});

Deno.test("OverviewReader: the last errors of agents are groups, too, and agents that cannot be shown are counted", async () => {
  await using database = await testDatabase("overview");
  await using store = openStore(database);
  await makeIndexes(database, store);
  const failing = (id: string, message: string) =>
    fleetAgent({ id, name: id, lastError: { at: new Date(), message }, counters: {} });
  const paused = fleetAgent({
    id: "c",
    control: { state: "paused", source: "fleet", by: "ann", reason: "price service", since: LONG_AGO },
  });
  const agents = [failing("a", "no answer in 5 s"), failing("b", "no answer in 7 s"), paused];
  const other = {
    id: "d",
    name: "old",
    version: "0.9",
    presence: "alive",
    seenAt: new Date(),
    silentMs: 0,
  } as const;
  const looks = await reader(store, { agents, withoutStatus: [other] });
  const { agents: rows, agents_total, errors, notes } = await looks.look();
  assertEquals([agents_total, rows.map(({ paused }) => paused?.by ?? null)], [3, [null, null, "ann"]]);
  assertEquals(errors.map(({ count, example_id, of, pattern }) => [of, count, pattern, example_id]), [
    ["agents", 2, "no answer in # s", null],
  ]);
  assertEquals(notes, ["One agent is not shown: of an earlier version, or with FLEET=off"]);
});

Deno.test("openOverview reads the registry of the collection", async () => {
  await using database = await testDatabase("overview");
  await using store = openStore(database);
  await makeIndexes(database, store);
  const names = { mongodbDatabase: database.name, mongodbCollection: COLLECTION };
  const looks = await openOverview(store, names);
  const none = await looks.look();
  assertEquals([none.agents_total, none.control, none.source], [0, null, `${database.name}.jobs`]);
  await (await store.forCommands.fleet()).ask({ state: "paused", by: "ann", reason: "price service" });
  const { control } = await (await openOverview(store, names)).look();
  assertEquals([control?.state, control?.by, control?.reason], ["paused", "ann", "price service"]);
});

Deno.test("OverviewReader: those who look at the same time cost the server one look, and so do those who come at once after it", async () => {
  await using database = await testDatabase("overview");
  await using store = openStore(database);
  await makeIndexes(database, store);
  const looks = await reader(store);
  const one = await profile(database, () => looks.look());
  const again = await reader(store);
  const many = await profile(database, async () => {
    await Promise.all(Array.from({ length: 20 }, () => again.look()));
    await again.look();
  });
  assert(one.length > 0);
  assertEquals(many.length, one.length);
});

Deno.test("OverviewReader: without the index nothing that waits is counted, nothing is read, and the notes tell why", async () => {
  await using database = await testDatabase("overview", { empty: true });
  await using store = openStore(database);
  await jobs(database).insertMany(pending(300));
  const { notes, work } = await (await reader(store)).look();
  assertEquals([work.waiting, work.scheduled, work.in_flight], [null, null, null]);
  assertEquals(work.dead_letters, exactly(0));
  assertEquals(notes.length, 1);
  assertMatch(notes[0]!, /^Documents are not counted: the index of the claims is missing/);
});

Deno.test("OverviewReader: if the server is too slow to count all, what it has counted by then is shown as a lower bound, and is no step of the backlog's history", async () => {
  await using database = await testDatabase("overview");
  // Each document takes the server two milliseconds.
  const slow = { $function: { body: "function() { sleep(2); return true; }", args: [], lang: "js" } };
  await using store = openStore(database, { filter: JSON.stringify({ $expr: slow }) });
  await makeIndexes(database, store);
  await jobs(database).insertMany([
    ...pending(1300),
    ...pending(900, { from: 2000, _pull: { visible_at: later(600_000), attempts: 1 } }),
    ...pending(30, { from: 3000, status: "processing", _pull: { ...held, visible_at: later(600_000) } }),
  ]);
  const { history, notes, work } = await (await reader(store)).look();
  assertEquals([work.waiting, work.scheduled, work.in_flight], [null, null, exactly(30)]);
  assertEquals(work.at_least, { ...NOT_LESS, waiting: 100, scheduled: 100 });
  assert(work.next_due_s! > 0, `${work.next_due_s}`);
  assertEquals([work.drained_in_s, history.waiting.filter((n) => n !== null)], [null, []]);
  assertEquals(notes, [
    "Not all documents that are scheduled are counted: that takes the server longer than 1.5 s",
    "Not all documents that wait are counted: that takes the server longer than 1.5 s",
  ]);
});

Deno.test("OverviewReader: of dead letters that are kept with those of other collections, some are counted as a lower bound", async () => {
  await using database = await testDatabase("overview");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await insertLetters(database, 1000);
  const others = pending(MAX_COUNTED, { from: 5000, source: { collection: "others" } });
  await letters(database).insertMany(others);
  const { notes, work } = await (await reader(store)).look();
  assertEquals([work.dead_letters, work.at_least.dead_letters], [null, 1000]);
  assertMatch(notes.join(), /^Not all dead letters are counted: more than 10000 of several collections/);
});

function assertCheap(entry: Profiled): void {
  const { command, docsExamined = 0, keysExamined = 0, planSummary } = entry;
  // To list indexes reads no documents.
  if (command.listIndexes) return;
  const what = JSON.stringify({ ...command.query, pipeline: command.pipeline, planSummary });
  assert(keysExamined <= MAX_SHOWN + 10, `${keysExamined} keys examined: ${what}`);
  assert(docsExamined <= MAX_SHOWN + 10, `${docsExamined} documents examined: ${what}`);
  assertMatch(
    planSummary ?? "",
    /^(IXSCAN \{ (status|_id|dead_at): |RECORD_STORE_FAST_COUNT|COUNT$|EOF)/,
    what,
  );
}

async function insertLetters(database: TestDatabase, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1000) {
    const dead_at = (id: number) => new Date(LONG_AGO.getTime() + 1000 * (count - id));
    await letters(database).insertMany(
      pending(1000, { from, source: { collection: "jobs" } }).map((letter) => ({
        ...letter,
        error: letter._id < 7 ? "the newest" : "others",
        dead_at: dead_at(letter._id as unknown as number),
      })),
    );
    await jobs(database).insertMany(
      pending(1000, { from, status: "failed" }).map((document) => ({
        ...document,
        _pull: { dead_at: dead_at(document._id as unknown as number) },
      })),
    );
  }
}

// The index of older servers holds finished documents too.
Deno.test(
  "OverviewReader: every query goes by an index and reads little, and an index on dead_at tells the newest letters of many",
  { ignore: isOlderThan("6.0") },
  async () => {
    await using database = await testDatabase("overview");
    await using store = openStore(database);
    await makeIndexes(database, store);
    await jobs(database).insertMany([
      ...pending(12_000, { from: 100_000 }),
      ...pending(5_000, { from: 200_000, _pull: { visible_at: later(600_000), attempts: 1 } }),
      ...pending(3_000, {
        from: 300_000,
        status: "processing",
        _pull: { ...held, visible_at: later(60_000) },
      }),
    ]);
    await insertLetters(database, 8000);
    let errors: string[] = [];
    let notes: string[] = [];
    const look = async () => {
      const found = await (await reader(store)).look();
      errors = found.errors.map(({ count, pattern }) => `${count} ${pattern}`);
      notes = found.notes;
    };
    const first = await profile(database, look);
    for (const entry of first) assertCheap(entry);
    // Keys alone tell most: documents are read for the heads, and letters for whose they are and what is in them.
    const read = first.filter(({ command }) => command.aggregate === "jobs")
      .reduce((sum, { docsExamined }) => sum + (docsExamined ?? 0), 0);
    assert(read <= 1_500, `${read} documents read`);
    assertEquals(errors, ["1000 others"]);
    assertEquals(notes.length, 1);
    assertMatch(notes[0]!, /highest _id: for the newest, make an index on dead_at$/);

    await letters(database).createIndex({ dead_at: 1 });
    const second = await profile(database, look);
    for (const entry of second) {
      assertCheap(entry);
      assertEquals(entry.hasSortStage, undefined, JSON.stringify(entry.command.pipeline));
    }
    assertEquals([errors, notes], [["993 others", "7 the newest"], []]);
  },
);
