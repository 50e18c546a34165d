import { assertEquals, assertRejects } from "@std/assert";
import { MongoClient } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { answerWithin, OperationTimeoutError } from "../../agent/store/connection/operation_timeout.ts";
import { isLasting } from "../../agent/store/mongo_errors.ts";
import { startMongod } from "../../scripts/mongod.ts";
import { failCommand } from "../support/fail_command.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { TestDatabase, testDatabase, testUri } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { COLLECTION, idsOf, jobs, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const UPDATE = { command: "update", collection: COLLECTION };
const FIND = { command: "find", collection: COLLECTION };

/** A URI by which the fail point knows the client. */
function named(appName: string): string {
  return `${testUri()}&appName=${appName}`;
}

Deno.test("Lost answers: a claim whose answer is lost is found again by its token: nothing double, nothing lost", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(5));
  const lost = proxy.loseAnswers(UPDATE);

  const error = await assertRejects(() => store.take());
  assertEquals([lost.count, store.isTransient(error)], [1, true]);
  assertEquals(await jobs(database).countDocuments({ status: "processing" }), 5);
  await jobs(database).insertMany(pending(2, { from: 5 }));
  const claim = await store.take();
  assertEquals(idsOf(claim), [0, 1, 2, 3, 4, 5, 6]);
  assertEquals(claim.documents.map(({ attempt }) => attempt), Array(7).fill(1));
  assertEquals((await store.ack(claim.documents.map((document) => ({ document })))).matched, 7);
});

Deno.test("Lost answers: a claim that never reached the server is made again, under another token", async () => {
  await using database = await testDatabase("lost answers");
  await jobs(database).insertMany(pending(3));
  await using store = openStore({ uri: named("claim-cut"), name: database.name });
  await using _failing = await failCommand(
    "claim-cut",
    { failCommands: ["update"], closeConnection: true },
    { times: 1 },
  );

  await assertRejects(() => store.take());
  assertEquals(await jobs(database).countDocuments({ status: "pending" }), 3);
  const claim = await store.take();
  assertEquals(idsOf(claim), [0, 1, 2]);
  assertEquals(await jobs(database).distinct("_pull.attempts"), [1]);
});

Deno.test("Lost answers: a claim that was applied but not confirmed by a majority is found again by its token", async () => {
  await using database = await testDatabase("lost answers");
  await jobs(database).insertMany(pending(3));
  await using store = openStore({ uri: named("claim-concern"), name: database.name });
  await using _failing = await failCommand("claim-concern", {
    failCommands: ["update"],
    writeConcernError: { code: 64, errmsg: "waiting for replication timed out", errInfo: { wtimeout: true } },
  }, { times: 1 });

  await assertRejects(() => store.take());
  assertEquals(await jobs(database).countDocuments({ status: "processing" }), 3);
  const claim = await waitFor("a majority to know the claim", () => store.take());
  assertEquals(idsOf(claim), [0, 1, 2]);
  assertEquals(await jobs(database).distinct("_pull.attempts"), [1]);
});

Deno.test("recover() waits for a majority to know a lost claim, as a failure that passes, and finds all of it then", async () => {
  // A server of its own: it is kept from learning what a majority knows.
  await using server = await startMongod({
    replicaSet: true,
    args: ["--setParameter", "enableTestCommands=1"],
  });
  const uri = `${server.uri}${server.uri.includes("?") ? "&" : "/?"}appName=unknown-to-majority`;
  await using database = new TestDatabase(server.uri, "unknown_to_majority");
  await jobs(database).insertMany(pending(3));
  await using store = openStore({ uri, name: database.name });
  const admin = database.client.db("admin");
  const snapshots = (mode: string) => admin.command({ configureFailPoint: "disableSnapshotting", mode });
  await snapshots("alwaysOn");
  // Otherwise a test that fails waits for a majority forever.
  await using _learning = { [Symbol.asyncDispose]: () => snapshots("off").then(() => {}) };
  await admin.command({
    configureFailPoint: "failCommand",
    mode: { times: 1 },
    data: {
      failCommands: ["update"],
      appName: "unknown-to-majority",
      writeConcernError: {
        code: 64,
        errmsg: "waiting for replication timed out",
        errInfo: { wtimeout: true },
      },
    },
  });
  await assertRejects(() => store.take());
  assertEquals(await jobs(database).countDocuments({ status: "processing" }), 3);

  for (let look = 0; look < 2; look++) {
    const error = await assertRejects(
      () => store.recover(),
      OperationTimeoutError,
      "not yet known to a majority",
    );
    assertEquals([store.isTransient(error), isLasting(error)], [true, false]);
  }
  await snapshots("off");
  await jobs(database).insertOne({ _id: "moves the majority on" });
  assertEquals(idsOf(await store.recover()), [0, 1, 2]);
  assertEquals(await jobs(database).distinct("_pull.attempts"), [1]);
});

Deno.test("Lost answers: what a lost claim took is not claimed again by looking for it: deleted and taken-over documents stay away", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(4));
  proxy.loseAnswers(UPDATE);
  await assertRejects(() => store.take());
  await jobs(database).deleteOne({ _id: 1 });
  await jobs(database).updateOne({ _id: 2 }, { $set: { "_pull.token": "of another" } });

  assertEquals(idsOf(await store.recover()), [0, 3]);
  assertEquals(await store.recover(), []);
});

Deno.test("Lost answers: a lost claim is looked for as often as it takes", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(3));
  proxy.loseAnswers(UPDATE);
  await assertRejects(() => store.take());
  // A read is tried twice by the driver itself.
  const reads = proxy.loseAnswers(FIND, 2);
  await assertRejects(() => store.recover());
  assertEquals(reads.count, 2);

  assertEquals(idsOf(await store.recover()), [0, 1, 2]);
});

Deno.test("Lost answers: documents claimed by a claim that could not be read back are found by the next", async () => {
  await using setup = await proxiedStore("lost answers", { readBack: "always" });
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(3));
  const claiming = proxy.hold(UPDATE);
  const taken = store.take();
  const failure = assertRejects(() => taken);
  await claiming.arrived;
  proxy.loseAnswers(FIND, 2);
  claiming.pass();
  await failure;

  assertEquals(idsOf(await store.take()), [0, 1, 2]);
});

Deno.test("Lost answers: an ack whose answer is lost has processed its document once and counts as unconfirmed, not as lost", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(3));
  const runs: number[] = [];
  await using agent = new InProcessAgent(store, ({ _id }) => {
    if (runs.push(_id) === 1) proxy.loseAnswers(UPDATE);
  });

  await agent.until("all to be settled", () => agent.count("unconfirmed") + agent.count("processed") === 3);
  await agent.drain();
  assertEquals(runs.sort(), [0, 1, 2]);
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 3);
  assertEquals(agent.all("unconfirmed").map(({ during }) => during), ["ack"]);
  assertEquals([agent.count("lease_lost"), agent.all("settle_failed").length], [0, 1]);
});

Deno.test("Lost answers: an ack that never reached the server is made again and confirmed", async () => {
  await using database = await testDatabase("lost answers");
  await jobs(database).insertMany(pending(1));
  await using store = openStore({ uri: named("ack-cut"), name: database.name });
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  await using agent = new InProcessAgent(store, () => {
    runs += 1;
    return gate.promise;
  });
  await waitFor("the handler to run", () => runs);
  agent.gate.pause("file");
  await using _failing = await failCommand(
    "ack-cut",
    { failCommands: ["update"], closeConnection: true },
    { times: 1 },
  );
  gate.resolve();

  await agent.event("processed");
  assertEquals([runs, agent.count("unconfirmed"), agent.count("lease_lost")], [1, 0, 0]);
  assertEquals(agent.all("settle_failed").map(({ kind }) => kind), ["ack"]);
});

Deno.test("Lost answers: a lost answer does no harm to a nack: the driver sends the write again, and the server applies it once", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take();
  const lost = proxy.loseAnswers(UPDATE);

  const nacks = documents.map((document) => ({ document, error: "fails", delayMs: 0 }));
  assertEquals((await store.nack(nacks)).matched, 2);
  assertEquals(lost.count, 1);
  const stored = await jobs(database).find().toArray();
  assertEquals(stored.map(({ _pull }) => _pull.errors.length), [1, 1]);
});

Deno.test("Lost answers: a nack that never gets an answer counts its failure once, as unconfirmed", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  await using agent = new InProcessAgent(store, () => {
    proxy.loseAnswers(UPDATE, 2);
    agent.gate.pause("file");
    throw new Error("fails");
  });

  await agent.event("unconfirmed");
  const { status, _pull } = await jobs(database).findOne();
  assertEquals([status, _pull.attempts, _pull.errors.length], ["pending", 1, 1]);
  assertEquals(agent.count("lease_lost"), 0);
});

Deno.test("Lost answers: a release whose answer is lost gives the attempt back once", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await store.takeOne();
  proxy.loseAnswers(UPDATE);
  await assertRejects(() => store.release([document]));

  assertEquals((await store.release([document])).matched, 0);
  const { status, _pull } = await jobs(database).findOne();
  assertEquals([status, _pull.attempts], ["pending", 0]);
});

Deno.test("Lost answers: a renewal whose answer is lost loses no lease: the next one is answered", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await store.takeOne();
  const { leasedAtMs } = document;
  proxy.loseAnswers(UPDATE);
  await assertRejects(() => store.renew([document]));
  assertEquals(document.leasedAtMs, leasedAtMs, "an unanswered renewal must not be relied on");

  assertEquals(await store.renew([document]), []);
  assertEquals((await store.ack([{ document }])).matched, 1);
});

Deno.test("Lost answers: a write that the server does not answer is given up, and may be applied all the same", async () => {
  await using database = await testDatabase("lost answers");
  await jobs(database).insertOne({ _id: 1, status: "pending" });
  const client = new MongoClient(named("answer-limit"));
  try {
    const collection = client.db(database.name).collection(COLLECTION);
    const data = { failCommands: ["update"], blockConnection: true, blockTimeMS: 1000 };
    await using _ = await failCommand("answer-limit", data, { times: 1 });
    await assertRejects(
      () => answerWithin(collection.updateOne({}, { $set: { n: 1 } }), 100, systemClock),
      OperationTimeoutError,
    );
    assertEquals(await jobs(database).countDocuments({ n: 1 }), 0);
    await waitFor("the write", async () => await jobs(database).countDocuments({ n: 1 }) === 1);
  } finally {
    await client.close();
  }
});
