import { assert, assertEquals } from "@std/assert";
import { LeaseLostError } from "../../agent/errors.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { idsOf, jobs, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const LEASE_MS = 1000;
const SHORT = { leaseMs: LEASE_MS };

/** Calls `attempt`, which asserts, again and again until the server's clock has gone on by `count` leases. */
async function leasesPass(
  database: TestDatabase,
  count: number,
  attempt: () => Promise<void>,
): Promise<void> {
  const now = async () => (await database.client.db("admin").command({ hello: 1 })).localTime.getTime();
  const end = await now() + count * LEASE_MS;
  await waitFor(`${count} leases to pass`, async () => {
    await attempt();
    return await now() >= end;
  });
}

/** What happens to the agent while its handlers take longer than the lease. */
const MEANWHILE: Record<string, (agent: InProcessAgent) => void> = {
  works: () => {},
  "is paused": (agent) => agent.gate.pause("file"),
  drains: (agent) => agent.agent.drain("the test says so"),
};

for (const [what, happens] of Object.entries(MEANWHILE)) {
  Deno.test(`Leases are renewed while handlers take longer than them and the agent ${what}`, async () => {
    await using database = await testDatabase("leases");
    await using store = openStore(database, SHORT);
    await using other = openStore(database, SHORT);
    await jobs(database).insertMany(pending(20));
    const gate = Promise.withResolvers<void>();
    const started: number[] = [];
    const aborted: unknown[] = [];
    await using agent = new InProcessAgent(store, async ({ _id }, { signal }) => {
      started.push(_id);
      signal.addEventListener("abort", () => aborted.push(_id));
      await gate.promise;
    }, { ...SHORT, concurrency: 4 });
    await waitFor("all handlers to run", () => started.length === 4);
    happens(agent);

    // Documents that wait for a slot go back when the agent stops claiming; those that run keep their lease.
    await agent.until(
      "those that wait to be released",
      () => what === "works" || agent.count("released") === 16,
    );
    await leasesPass(database, 3, async () => {
      const { documents } = await other.take();
      const stolen = idsOf(documents).filter((id) => started.includes(id as number) || what === "works");
      assertEquals(stolen, [], "a lease that is held was taken over");
      await other.release(documents);
    });
    gate.resolve();
    await agent.until("all to be settled", () => agent.count("processed") === (what === "works" ? 20 : 4));
    assertEquals([aborted, agent.count("lease_lost"), agent.count("unconfirmed")], [[], 0, 0]);
  });
}

Deno.test("Leases: one that is taken over by force aborts the handler, and its ack changes nothing", async () => {
  await using database = await testDatabase("leases");
  await using store = openStore(database, SHORT);
  await jobs(database).insertMany(pending(2));
  const reasons = new Map<number, unknown>();
  const started = new Set<number>();
  await using agent = new InProcessAgent(store, async ({ _id }, { signal }) => {
    started.add(_id);
    if (_id === 1) return;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    reasons.set(_id, signal.reason);
    return { set: { written: "by the former holder" } };
  }, SHORT);
  await waitFor("both handlers to start", () => started.size === 2);
  const later = new Date(Date.now() + 3_600_000);
  await jobs(database).updateOne({ _id: 0 }, {
    $set: { "_pull.token": "by force", "_pull.owner": "another", "_pull.visible_at": later },
  });

  const lost = await agent.event("lease_lost");
  await waitFor("the handler to end", () => reasons.size === 1);
  assertEquals([lost.ids, lost.during], [[0], "renew"]);
  assert(reasons.get(0) instanceof LeaseLostError);
  await agent.drain();
  const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
  assertEquals([stored[0].status, stored[0]._pull.token, stored[0].written], [
    "processing",
    "by force",
    undefined,
  ]);
  assertEquals(stored[0]._pull.visible_at, later);
  assertEquals(stored[1].status, "processed");
});

Deno.test("Leases: an ack after the lease was taken over counts as a lost lease", async () => {
  await using database = await testDatabase("leases");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  await using agent = new InProcessAgent(store, async () => {
    await jobs(database).updateOne({}, { $set: { "_pull.token": "by force" } });
  });
  const lost = await agent.event("lease_lost");
  assertEquals([lost.ids, lost.during, agent.count("unconfirmed")], [[0], "ack", 0]);
  assertEquals((await jobs(database).findOne()).status, "processing");
});

Deno.test("Leases: those of an agent that is gone are taken over when they have expired, not before", async () => {
  await using database = await testDatabase("leases");
  await using gone = openStore(database, SHORT);
  await using store = openStore(database, SHORT);
  await jobs(database).insertMany(pending(10));
  await gone.take();

  let early = 0;
  const { documents, takeovers } = await waitFor("the leases to expire", async () => {
    const claim = await store.take();
    if (claim.documents.length > 0) return claim;
    early += 1;
  });
  assert(early > 0, "the leases were taken over at once");
  assertEquals([idsOf(documents).length, takeovers], [10, 10]);
});

Deno.test("Leases: a drain releases what has not started, finishes what has, and leaves no lease behind", async () => {
  await using database = await testDatabase("leases");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(50));
  const gate = Promise.withResolvers<void>();
  let running = 0;
  await using agent = new InProcessAgent(store, () => (running += 1, gate.promise), { concurrency: 3 });
  await waitFor("three handlers to run", () => running === 3);
  const stopped = agent.drain();
  await agent.until("the others to be released", () => agent.count("released") === 47);
  gate.resolve();

  assertEquals(await stopped, { reason: "the test says so", finished: 3, released: 47, abandoned: 0 });
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 3);
  const rest = await jobs(database).find({ status: "pending" }).toArray();
  assertEquals([rest.length, new Set(rest.map(({ _pull }) => _pull.attempts))], [47, new Set([0])]);
  assertEquals(await jobs(database).countDocuments({ "_pull.token": { $exists: true } }), 0);
});

Deno.test("Leases: a forced stop aborts what runs and releases it with its attempt", async () => {
  await using database = await testDatabase("leases");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(5));
  let running = 0;
  await using agent = new InProcessAgent(store, (_, { signal }) => {
    running += 1;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await waitFor("all handlers to run", () => running === 5);
  agent.agent.force("the test says so");

  assertEquals(await agent.stopped, { reason: "the test says so", finished: 0, released: 5, abandoned: 0 });
  assertEquals(await jobs(database).countDocuments({ status: "pending", "_pull.attempts": 0 }), 5);
});
