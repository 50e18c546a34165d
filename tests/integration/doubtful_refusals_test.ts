import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Document } from "mongodb";
import { Details } from "../../agent/details.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { FailingServer } from "../support/failing_server.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { jobs, letters, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** Only the agent gets errors. */
const APP_NAME = "pulling-agent/agent-under-test";
/** Codes that no list knows, and codes that concern the server alone. */
const CODES = [286, 8, 4242];
/** More refusals than would make a dead letter of a document that is blamed for each. */
const MANY = 30;

for (const errorCode of CODES) {
  Deno.test(`Doubts: a server that fails every write with code ${errorCode} for long costs no document an attempt, and work goes on afterwards`, async () => {
    await using server = await FailingServer.start();
    await using database = server.database();
    await jobs(database).insertMany(pending(12));
    await using store = openStore(database, { maxAttempts: 2 });
    let isArmed: Promise<void> | undefined;
    const runs = new Map<number, number>();
    const handler = async ({ _id }: Document) => {
      runs.set(_id, (runs.get(_id) ?? 0) + 1);
      const failCommands = ["update", "aggregate"];
      await (isArmed ??= server.fail(APP_NAME, { failCommands, errorCode }));
      if (_id === 3) throw new Error("once more");
    };
    await using agent = new InProcessAgent(store, handler, { batchSize: 6, maxAttempts: 2 });
    await agent.until("many refusals", () => agent.all("settle_failed").length > MANY);
    assert(agent.all("settle_failed").every(({ isDoubtful }) => isDoubtful));
    assertEquals([agent.all("settle_rejected"), agent.all("dead_lettered"), agent.all("retried")], [
      [],
      [],
      [],
    ]);
    await server.mend();
    await agent.until("the others", () => agent.count("processed") + agent.count("unconfirmed") >= 11);
    await waitFor("the end", async () => await jobs(database).countDocuments({ status: /^p.*ing$/ }) === 0);
    assertEquals(await jobs(database).distinct("_id", { status: "failed" }), [3]);
    assertEquals([...runs.values()].reduce((sum, each) => sum + each, 0), 13);
    assertEquals(await letters(database).countDocuments(), 1);
    assertEquals(agent.all("claim_refused"), []);
  });
}

/** A value that an index of places cannot hold: the server's code for that is in none of the agent's lists. */
const BAD = { at: [1] };
const GOOD = { at: [1, 2] };

/** Makes an index of places that documents with this status are in. */
async function indexPlaces(database: TestDatabase, status: string): Promise<void> {
  await jobs(database).createIndex({ at: "2d" }, { partialFilterExpression: { status } });
}

/** Good documents that come as they do in life: what becomes of them tells who is at fault. */
function neighboursOf(database: TestDatabase): AsyncDisposable {
  let isOver = false;
  const inserting = (async () => {
    while (!isOver) {
      await jobs(database).insertOne({ ...GOOD, status: "pending" });
      // deno-lint-ignore house/no-fixed-sleep -- the pace of a producer
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await inserting;
    },
  };
}

Deno.test("Doubts: one document whose ack is refused with an unknown code is a dead letter, and its neighbours are processed", async () => {
  await using database = await testDatabase("doubtful refusals");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).insertMany([...pending(1, BAD), ...pending(60, { from: 1, ...GOOD })]);
  await indexPlaces(database, "processed");
  await using agent = new InProcessAgent(store, () => {}, { maxAttempts: 1, batchSize: 5, concurrency: 2 });
  {
    await using _neighbours = neighboursOf(database);
    const { id, error } = await agent.until("a dead letter", () => agent.all("dead_lettered")[0]);
    assertEquals(id, 0);
    assertMatch(error, /^MongoDB refused to mark the document processed \(.*geo field/);
  }
  await agent.until("the others", () => agent.count("processed") >= 60);
  assertEquals(agent.all("dead_lettered").length, 1);
  assertEquals(agent.all("settle_rejected").length, 1);
});

Deno.test("Doubts: as long as every document's ack is refused with an unknown code, none is blamed, and a good one gets through", async () => {
  await using database = await testDatabase("doubtful refusals");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).insertMany(pending(2, BAD));
  await indexPlaces(database, "processed");
  await using agent = new InProcessAgent(store, () => {}, { maxAttempts: 1, batchSize: 1 });
  await agent.until("many refusals", () => agent.all("settle_failed").length > 10);
  assertEquals([agent.all("settle_rejected"), agent.agent.held.documents], [[], 2]);
  await using _neighbours = neighboursOf(database);
  await agent.until("both to be found at fault", () => agent.all("dead_lettered").length === 2);
  assertEquals(agent.all("dead_lettered").map(({ id }) => id).sort(), [0, 1]);
});

Deno.test("Doubts: results that are refused with an unknown code do not keep handlers from starting, although they fill the room for results", async () => {
  await using database = await testDatabase("doubtful refusals");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).insertMany(pending(20, BAD));
  await indexPlaces(database, "processed");
  const text = "x".repeat(2 * 1024 * 1024);
  const handler = ({ at }: Document) => at.length === 1 ? { set: { text } } : undefined;
  await using agent = new InProcessAgent(store, handler, { maxAttempts: 1, concurrency: 4 });
  await agent.until("all results to be refused", () => agent.all("settle_failed").length > 20);
  await using _neighbours = neighboursOf(database);
  const isAllFound = () => agent.all("dead_lettered").length === 20;
  await agent.until("all to be found at fault", isAllFound);
  assert(agent.count("processed") > 0);
});

Deno.test("Doubts: an agent reaches good documents behind several batches whose acks are refused with an unknown code", async () => {
  await using database = await testDatabase("doubtful refusals");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).insertMany([...pending(25, BAD), ...pending(20, { from: 25, ...GOOD })]);
  await indexPlaces(database, "processed");
  const settings = { maxAttempts: 1, batchSize: 5, leaseMs: 1000 };
  await using agent = new InProcessAgent(store, () => {}, settings);
  await agent.until("all that are good", () => agent.count("processed") === 20);
  assertEquals(agent.all("lease_lost"), []);
  await using _neighbours = neighboursOf(database);
  await agent.until("all that are not to be found at fault", () => agent.all("dead_lettered").length === 25);
  assertEquals(await jobs(database).countDocuments({ _id: { $lt: 25 }, status: "failed" }), 25);
});

for (const batchSize of [1, 20]) {
  Deno.test(`Doubts: one document whose claim is refused with an unknown code is left alone and reported, and its neighbours are processed (BATCH_SIZE=${batchSize})`, async () => {
    await using database = await testDatabase("doubtful refusals");
    await using store = openStore(database);
    await jobs(database).insertMany([...pending(1, BAD), ...pending(20, { from: 1, ...GOOD })]);
    await indexPlaces(database, "processing");
    await using agent = new InProcessAgent(store, () => {}, { batchSize });
    await agent.until("the others", () => agent.count("processed") >= 20);
    await using _neighbours = neighboursOf(database);
    const { id, error } = await agent.until("a refusal", () => agent.all("claim_refused")[0]);
    assertEquals(id, 0);
    assertMatch(String(error), /geo field/);
    assertEquals(agent.all("dead_lettered"), []);
  });
}

Deno.test("Doubts: a run until nothing is left does not end as long as claims are refused with an unknown code", async () => {
  await using server = await FailingServer.start();
  await using database = server.database();
  await jobs(database).insertMany(pending(5));
  await using store = openStore(database);
  await server.fail(APP_NAME, { failCommands: ["update"], errorCode: 286 });
  await using agent = new InProcessAgent(store, () => {}, {}, { untilEmpty: true });
  await agent.until("claims to fail", () => agent.all("claim_failed").length >= 3);
  assertEquals([agent.all("claim_refused"), agent.all("drain_started")], [[], []]);
  await server.mend();
  await agent.stopped;
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 5);
});

Deno.test("Doubts: a claim whose reads take longer than it leaves a document out for does not report that nothing is left", async () => {
  await using server = await FailingServer.start();
  await using database = server.database();
  await jobs(database).insertMany(pending(1));
  const details = new Details();
  let nowMs = 0;
  await using store = openStore(database, { clock: { ...systemClock, monotonicMs: () => nowMs }, details });
  await server.fail(APP_NAME, { failCommands: ["update"], errorCode: 286 });
  await assertRejects(() => store.take(), Error, "failpoint");
  details.subscribe((detail) => {
    if (detail.type === "operation_ended" && detail.operation === "find") nowMs += 10_000;
  });
  await assertRejects(() => store.take(), Error, "failpoint");
  await server.mend();
  assertEquals((await store.take()).documents.length, 1);
});

Deno.test("SuspectIsolation does not wait for a document whose outcome is in doubt: others go on, and tell who is at fault", async () => {
  await using database = await testDatabase("doubtful refusals");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).insertMany(pending(1, BAD));
  await indexPlaces(database, "processed");
  await using agent = new InProcessAgent(store, () => {}, { maxAttempts: 1, batchSize: 5 });
  await agent.until("a refusal", () => agent.all("settle_failed").length > 0);
  const _pull = { visible_at: new Date(1), attempts: 1, takeovers: 2 };
  await jobs(database).insertOne({ _id: 1, ...GOOD, status: "pending", _pull });
  await using _neighbours = neighboursOf(database);
  const { id } = await agent.event("dead_lettered");
  assertEquals(id, 0);
  await waitFor("the suspect", async () => (await jobs(database).findOne({ _id: 1 })).status === "processed");
});

/** Suspects, as two ends of a process in company leave them. */
function suspects(count: number, from: number): Document[] {
  const _pull = { visible_at: new Date(1), attempts: 1, takeovers: 2 };
  return Array.from({ length: count }, (_, index) => ({
    _id: from + index,
    ...GOOD,
    status: "pending",
    _pull,
  }));
}

Deno.test("SuspectIsolation releases a document in doubt if nothing else comes for a lease: all suspects run, and the document is left alone for a while", async () => {
  await using database = await testDatabase("doubtful refusals");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).insertMany(pending(1, BAD));
  await indexPlaces(database, "processed");
  const settings = { maxAttempts: 1, batchSize: 5, leaseMs: 1000 };
  const runs: number[] = [];
  const handler = ({ _id }: Document) => void runs.push(_id);
  await using agent = new InProcessAgent(store, handler, settings);
  await agent.until("a refusal", () => agent.all("settle_failed").length > 0);
  await jobs(database).insertMany(suspects(7, 1));
  await agent.until("all suspects", () => agent.count("processed") === 7);
  assertEquals(runs, [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals(agent.all("released"), [{ type: "released", documents: 1, aborted: 0, inDoubt: 1 }]);
  assertEquals([agent.all("lease_lost"), agent.all("settle_rejected")], [[], []]);
  const { status, _pull } = await jobs(database).findOne({ _id: 0 });
  assertEquals([status, _pull.attempts, _pull.takeovers], ["pending", 0, undefined]);
});

Deno.test("SuspectIsolation keeps a document in doubt that MongoDB does not let be released either: it runs once, and is processed later", async () => {
  await using database = await testDatabase("doubtful refusals");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).insertMany(pending(1, BAD));
  const runs: number[] = [];
  const handler = async ({ _id }: Document) => {
    runs.push(_id);
    if (_id > 0) return;
    // All that a document in processing can become, but for failed.
    const partialFilterExpression = { status: { $gte: "pending", $lte: "processed" } };
    await jobs(database).createIndex({ at: "2d" }, { name: "places", partialFilterExpression });
  };
  const settings = { maxAttempts: 1, batchSize: 5, leaseMs: 1000 };
  await using agent = new InProcessAgent(store, handler, settings);
  await agent.until("a refusal", () => agent.all("settle_failed").length > 0);
  await jobs(database).insertMany(suspects(2, 1));
  const refusedReleases = () => agent.all("settle_failed").filter(({ kind }) => kind === "release").length;
  await agent.until("two releases to be refused", () => refusedReleases() === 2);
  assertEquals([agent.agent.held.documents, runs], [1, [0]]);
  // It still cannot be released.
  const partialFilterExpression = { status: "pending" };
  await jobs(database).createIndex({ at: "2d", status: 1 }, { partialFilterExpression });
  await jobs(database).dropIndex("places");
  await agent.until("all", () => agent.count("processed") === 3);
  assertEquals(runs, [0, 1, 2]);
  assertEquals([agent.all("released"), agent.all("lease_lost"), agent.all("settle_rejected")], [[], [], []]);
});
