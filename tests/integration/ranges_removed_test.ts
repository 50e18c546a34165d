import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ClaimModeError } from "../../agent/errors.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { ModeLease } from "../../agent/store/ranges/mode_lease.ts";
import { agents, control, endMode, open } from "../support/ranges.ts";
import { idsOf, jobs, MONGODB, openStore, pending } from "../support/store.ts";
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

Deno.test("CLAIM_MODE of range waits if the document of the ranges is missing and another agent has claimed, also one of its name that was killed", async () => {
  await using database = await testDatabase("removed");
  await using store = open(database);
  await jobs(database).insertMany(pending(1));
  const killedAt = new Date(Date.now() - 40_000);
  const killed = { counters: { claimed: 5 }, seen_at: killedAt, lives_ms: 1000 };
  await entry(database, { mode: "range", name: store.settings.agentName, ...killed });
  const { message } = await assertRejects(() => store.take(), ClaimModeError);
  assertStringIncludes(message, "which takes 90 seconds with this LEASE_DURATION");
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

Deno.test("CLAIM_MODE of document goes on after a removal as long as its own lease lasts, as no agent can hold a range", async () => {
  for (const [laterMs, isOver] of [[45_000, false], [70_000, true]] as const) {
    await using database = await testDatabase("removed");
    let passedMs = 0;
    const nowMs = Date.now();
    const lease = new ModeLease({
      agents: agents(database),
      clock: { ...systemClock, monotonicMs: () => passedMs },
      filter: undefined,
      leaseMs: 60_000,
      maxTimeMS: 60_000,
      mode: "document",
      server: MONGODB,
      serverClock: { now: (aheadMs = 0) => new Date(nowMs + passedMs + aheadMs) },
      syncClock: () => Promise.resolve(),
    });
    await lease.take();
    await agents(database).drop();
    await entry(database, { mode: "range", counters: { claimed: 5 } });
    // It is to be renewed.
    passedMs = laterMs;
    if (isOver) {
      assertStringIncludes((await assertRejects(() => lease.take(), ClaimModeError)).message, REMOVED);
    } else await lease.take();
    assertEquals((await control(database)).mode, isOver ? null : "document");
  }
});

for (const [leaseMs, waitMs] of [[5000, 60_000], [300_000, 300_000]] as const) {
  Deno.test(`CLAIM_MODE of range waits after a removal for leases of ${leaseMs / 1000} s and for those of the mode`, async () => {
    await using database = await testDatabase("removed");
    await using store = open(database, { leaseMs });
    await jobs(database).insertMany(pending(2));
    await store.take(1);
    await agents(database).drop();
    const before = Date.now();
    for (const _ of [1, 2]) await assertRejects(() => store.take(), ClaimModeError);
    const untilMs = (await control(database)).mode_until.getTime();
    // What the agent takes for the server's time is never ahead of it.
    assert(untilMs >= before + waitMs - 1000 && untilMs <= Date.now() + waitMs, String(untilMs - before));
  });
}

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
