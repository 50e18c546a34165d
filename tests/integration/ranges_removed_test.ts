import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ClaimModeError } from "../../agent/errors.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { agents, control, endMode, open } from "../support/ranges.ts";
import { idsOf, jobs, openStore, pending } from "../support/store.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";

const REMOVED = 'The document "ranges" was removed';

Deno.test("CLAIM_MODE of range claims nothing for a while after the document of the ranges was removed (rule R14f)", async () => {
  await using database = await testDatabase("removed");
  await using store = open(database);
  await using other = open(database);
  await jobs(database).insertMany(pending(3));
  const held = await store.take(1);
  assertEquals([idsOf(held), idsOf(await other.take(1))], [[0], [1]]);
  await agents(database).drop();
  for (const each of [store, store, other, other]) {
    assertStringIncludes((await assertRejects(() => each.take(), ClaimModeError)).message, REMOVED);
  }
  assertEquals((await control(database)).mode, null);
  // What was claimed before is written all the same.
  await store.ack(held.documents.map((document) => ({ document })));
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 1);
  await endMode(database);
  assertEquals(idsOf(await store.take()), [1, 2]);
});

Deno.test("CLAIM_MODE of range waits if the document of the ranges is missing and another agent has claimed, also one that was killed", async () => {
  await using database = await testDatabase("removed");
  await using store = open(database);
  await jobs(database).insertMany(pending(1));
  const killedAt = new Date(Date.now() - 40_000);
  await entry(database, { mode: "range", counters: { claimed: 5 }, seen_at: killedAt, lives_ms: 1000 });
  const { message } = await assertRejects(() => store.take(), ClaimModeError);
  assertStringIncludes(message, "after 90 seconds at most");
  await agents(database).updateMany({ state: "running" }, { $set: { seen_at: new Date(0) } });
  await endMode(database);
  assertEquals(idsOf(await store.take()), [0]);
});

Deno.test("CLAIM_MODE of range begins at once beside agents that have claimed nothing", async () => {
  await using database = await testDatabase("removed");
  await using store = open(database);
  await jobs(database).insertMany(pending(1));
  await entry(database, { mode: "range", counters: { claimed: 0 } });
  assertEquals(idsOf(await store.take()), [0]);
});

Deno.test("CLAIM_MODE of document goes on if the document of the ranges was removed, as no agent can hold a range", async () => {
  await using database = await testDatabase("removed");
  let laterMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + laterMs };
  await using store = openStore(database, { claimMode: "document", fleet: "on", clock });
  await jobs(database).insertMany(pending(1));
  assertEquals(idsOf(await store.take()), [0]);
  await agents(database).drop();
  // Its mode is to be renewed, and is not over. So the entry does not matter.
  laterMs = 45_000;
  await entry(database, { mode: "range", counters: { claimed: 5 } });
  await jobs(database).insertOne({ _id: 9, status: "pending" });
  assertEquals(idsOf(await store.take()), [9]);
  assertEquals((await control(database)).mode, "document");
});

for (const [mode, expected] of [["document", "document"], ["range", null]] as const) {
  Deno.test(`CLAIM_MODE of document without its mode ${expected ? "goes on" : "waits"} beside agents in ${mode} mode if the document of the ranges is missing`, async () => {
    await using database = await testDatabase("removed");
    await using store = openStore(database, { claimMode: "document", fleet: "on" });
    await jobs(database).insertMany(pending(1));
    await entry(database, { mode, counters: { claimed: 5 } });
    if (expected) assertEquals(idsOf(await store.take()), [0]);
    else assertStringIncludes((await assertRejects(() => store.take(), ClaimModeError)).message, REMOVED);
    assertEquals((await control(database)).mode, expected);
  });
}

/** The entry of another agent, which lives. */
async function entry(database: TestDatabase, fields: Record<string, unknown>): Promise<void> {
  await agents(database).insertOne({
    _id: "2026-01-01T00:00:00.000Z a",
    registry: "pulling-agent",
    name: "other",
    state: "running",
    seen_at: new Date(),
    lives_ms: 600_000,
    ...fields,
  });
}
