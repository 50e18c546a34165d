import { assert, assertEquals } from "@std/assert";
import { Events } from "../../agent/events.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { prepareStore } from "../../agent/store/prepare_store.ts";
import { Logger } from "../../agent/telemetry/logger.ts";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { TestDatabase } from "../support/mongod.ts";
import { jobs, openStore, pending } from "../support/store.ts";
import { RecordedLines } from "../support/recorded_lines.ts";
import { waitFor } from "../support/wait.ts";

/** A server of our own with a database: it may be frozen and killed. */
async function ownServer(): Promise<{ server: RunningMongod; database: TestDatabase } & AsyncDisposable> {
  const server = await startMongod({ replicaSet: true });
  const database = new TestDatabase(server.uri, "outages");
  await database.client.connect();
  return {
    server,
    database,
    async [Symbol.asyncDispose]() {
      await database.client.close();
      await server.stop();
    },
  };
}

Deno.test("Outages: a frozen server makes operations time out, and everything goes on when it is back", async () => {
  await using own = await ownServer();
  const { server, database } = own;
  // Sockets time out after half a lease.
  const lease = { leaseMs: 4_000 };
  await using store = openStore(database, lease);
  await jobs(database).insertMany(pending(200));
  const runs = new Map<number, number>();
  const gate = Promise.withResolvers<void>();
  await using agent = new InProcessAgent(store, async ({ _id }) => {
    runs.set(_id, (runs.get(_id) ?? 0) + 1);
    if (_id >= 100) await gate.promise;
  }, { ...lease, batchSize: 50 });
  await waitFor("the second half to be in flight", () => agent.count("processed") >= 100 && runs.size > 100);

  server.freeze();
  gate.resolve();
  await agent.until("an operation to time out", () => agent.all("settle_failed").length > 0);
  const [{ error: first }] = agent.all("settle_failed") as { error: unknown }[] as [{ error: Error }];
  // Nothing but its own timeout ends an operation before the monitor gives the server up.
  assertEquals(first.name, "MongoNetworkTimeoutError");
  for (const { error } of agent.all("settle_failed")) assert(store.isTransient(error), `${error}`);
  server.thaw();

  const processed = () => jobs(database).countDocuments({ status: "processed" });
  await waitFor("all to be processed", async () => await processed() === 200);
  await agent.drain();
  assertEquals(runs.size, 200);
  // Leases ran out meanwhile: what was in flight may be repeated, once.
  for (const [id, count] of runs) {
    assert(count === 1 || (id >= 100 && count === 2), `document ${id} ran ${count} times`);
  }
  assertEquals(await jobs(database).countDocuments({ "_pull.attempts": { $gt: 1 } }), 0);
});

Deno.test("Outages: a server that is killed and started again loses no document and no ack", async () => {
  await using own = await ownServer();
  const { server, database } = own;
  await using store = openStore(database);
  await jobs(database).insertMany(pending(300));
  const runs: number[] = [];
  let resume = Promise.withResolvers<void>();
  await using agent = new InProcessAgent(store, async ({ _id }) => {
    runs.push(_id);
    if (runs.length > 100) await resume.promise;
  }, { batchSize: 20 });
  await agent.until("a third to be processed", () => agent.count("processed") >= 50);
  await waitFor("the next to be in flight", () => runs.length > 100);

  await server.kill();
  resume.resolve();
  resume = Promise.withResolvers();
  resume.resolve();
  await agent.until("the outage to be noticed", () => agent.all("settle_failed").length > 0);
  await server.start();
  const processed = () => jobs(database).countDocuments({ status: "processed" });
  await waitFor("all to be processed", async () => await processed() === 300);
  await agent.drain();
  assertEquals(runs.sort((a, b) => a - b), Array.from({ length: 300 }, (_, id) => id));
  assertEquals(agent.count("lease_lost"), 0);
});

Deno.test("Outages: an agent that starts before its server waits for it", async () => {
  await using own = await ownServer();
  const { server, database } = own;
  await jobs(database).insertMany(pending(10));
  await server.kill();
  await using store = openStore(database);
  await using agent = new InProcessAgent(store, () => {});
  const log = new Logger({ level: "ERROR", format: "json", output: new RecordedLines() });
  using stack = new DisposableStack();
  stack.defer(prepareStore(store, { ...SYSTEM, events: new Events(), log, ensureIndexes: true }));
  await agent.until("a claim to fail", () => agent.all("claim_failed").length > 0);
  await server.start();
  await agent.until("all to be processed", () => agent.count("processed") === 10);
});

Deno.test("Outages: a drain while the server is frozen ends after SHUTDOWN_TIMEOUT and says what it had to abandon", async () => {
  await using own = await ownServer();
  const { server, database } = own;
  await using store = openStore(database, { leaseMs: 4_000 });
  await jobs(database).insertMany(pending(5));
  let running = 0;
  const gate = Promise.withResolvers<void>();
  await using agent = new InProcessAgent(store, () => (running += 1, gate.promise), {
    leaseMs: 4_000,
    shutdownTimeoutMs: 500,
  });
  await waitFor("all handlers to run", () => running === 5);
  server.freeze();
  const stopped = agent.drain();
  gate.resolve();
  assertEquals(await stopped, { reason: "the test says so", finished: 0, released: 0, abandoned: 5 });
  server.thaw();
});
