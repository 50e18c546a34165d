import { assert, assertEquals, assertRejects } from "@std/assert";
import { UnansweredWritesError } from "../../agent/partial_writes.ts";
import { acksOf, invoiced, invoiceFor, TARGET, transactionsIn } from "../support/effects.ts";
import { FailingServer } from "../support/failing_server.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { OpenTransaction } from "../support/open_transaction.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { waitFor } from "../support/wait.ts";
import { expireLeases, jobs, openStore, pending } from "../support/store.ts";

const COMMIT = { command: "commitTransaction" };

Deno.test("Effect writes: no other agent claims a document of an open transaction, at its writes or at its commit", async () => {
  for (const held of [COMMIT, { command: "insert", collection: TARGET }]) {
    await using setup = await proxiedStore("effect faults");
    const { database, other, proxy, store } = setup;
    await jobs(database).insertMany(pending(3));
    const { documents } = await store.take();
    // To others they look as if their holder were gone.
    await expireLeases(jobs(database));
    const { arrived, pass } = proxy.hold(held);
    const written = store.ackWithWrites(acksOf(documents));
    await arrived;
    await assertRejects(() => other.take(), Error, "an open transaction of another program may hold a lock");
    pass();
    assertEquals((await written).matched, 3);
    assertEquals(await jobs(database).countDocuments({ status: "processed", "_pull.attempts": 1 }), 3);
    assertEquals(await invoiced(database), [0, 1, 2]);
  }
});

Deno.test("Effect writes: none is made of a document that another agent takes over before the transaction", async () => {
  await using setup = await proxiedStore("effect faults");
  const { database, other, proxy, store } = setup;
  await jobs(database).insertMany(pending(3));
  const { documents } = await store.take();
  const { arrived, pass } = proxy.hold({ command: "update" });
  const late = store.ackWithWrites(acksOf(documents));
  await arrived;
  await expireLeases(jobs(database), { _id: { $ne: 1 } });
  const taken = await other.take();
  assertEquals((await other.ackWithWrites(acksOf(taken.documents))).matched, 2);
  pass();
  const { matched, missed } = await late;
  assertEquals([matched, missed.map(({ id }) => id)], [1, [0, 2]]);
  assertEquals(await invoiced(database), [0, 1, 2]);
});

Deno.test("Effect writes: a commit that never reached the server is made again at once, after the open one is ended", async () => {
  await using server = await FailingServer.start();
  await using database = server.database();
  const uri = `${database.uri}&appName=lost-commit`;
  await jobs(database).insertMany(pending(3));
  await using store = openStore({ uri, name: database.name });
  const { documents } = await store.take();
  // The driver sends it twice.
  await server.fail("lost-commit", { failCommands: ["commitTransaction"], closeConnection: true }, {
    times: 2,
  });
  const error = await assertRejects(
    () => store.ackWithWrites(acksOf(documents)),
    UnansweredWritesError,
  );
  assertEquals([error.unanswered.size, error.unmade.size, error.isApart], [3, 0, false]);
  assert(store.isTransient(error.cause));
  assertEquals((await store.ackWithWrites(acksOf(documents))).matched, 3);
  assertEquals(await invoiced(database), [0, 1, 2]);
});

Deno.test("Effect writes: a connection that is cut within a transaction leaves nothing, and the documents are known to be unmade", async () => {
  await using setup = await proxiedStore("effect faults");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(3));
  const { documents } = await store.take();
  const { arrived } = proxy.hold({ command: "insert", collection: TARGET });
  const written = assertRejects(() => store.ackWithWrites(acksOf(documents)), UnansweredWritesError);
  await arrived;
  proxy.cut();
  const error = await written;
  assertEquals([...error.unmade], [0, 1, 2]);
  assert(store.isTransient(error.cause));
  assertEquals(await jobs(database).countDocuments({ status: "processing" }), 3);
  assertEquals((await store.ackWithWrites(acksOf(documents))).matched, 3);
  assertEquals(await invoiced(database), [0, 1, 2]);
});

const LOST_ENDS = {
  "whose connections are cut": { closeConnection: true },
  "whose client is not let in any more": { errorCode: 18, closeConnection: false },
};
for (const [name, fault] of Object.entries(LOST_ENDS)) {
  Deno.test(`Effect writes: a transaction ${name} keeps no document locked, though its abort is lost and no other follows`, async () => {
    await using server = await FailingServer.start();
    await using database = server.database();
    await jobs(database).insertMany(pending(3));
    await using store = openStore({ uri: `${database.uri}&appName=lost-abort`, name: database.name });
    const { documents } = await store.take();
    await server.fail("lost-abort", { failCommands: ["insert", "abortTransaction"], ...fault }, { times: 3 });
    await assertRejects(() => store.ackWithWrites(acksOf(documents)), UnansweredWritesError);
    await server.mend();
    await waitFor("the documents to be free", async () => {
      return (await store.release(documents)).matched === 3;
    });
    assertEquals(await jobs(database).countDocuments({ status: "pending" }), 3);
    assertEquals(await invoiced(database), []);
  });
}

Deno.test("Effect writes: a short conflict with a user's transaction is waited for, and costs no attempt", async () => {
  await using setup = await proxiedStore("effect faults");
  const { database, proxy, store } = setup;
  await database.db.collection<{ _id: string }>("totals").insertOne({ _id: "all" });
  await jobs(database).insertMany(pending(3));
  const { documents } = await store.take();
  await using theirs = await OpenTransaction.on(database, ["all"], "totals");
  const { arrived, pass } = proxy.hold({ command: "abortTransaction" });
  const increment = { filter: { _id: "all" }, update: { $inc: { n: 1 } } };
  const written = store.ackWithWrites(documents.map((document) => ({
    document,
    writes: [{ collection: "totals", updateOne: increment }],
  })));
  await arrived;
  await theirs.commit();
  pass();
  assertEquals(await written, { matched: 3, missed: [] });
  assertEquals(await database.db.collection("totals").findOne(), { _id: "all", theirs: true, n: 3 } as never);
});

Deno.test("Effect writes: a document whose writes are locked for long waits apart, and the others are written", async () => {
  await using setup = await proxiedStore("effect faults");
  const { database, store } = setup;
  const totals = database.db.collection<{ _id: number }>("totals");
  await totals.insertMany(pending(100));
  await jobs(database).insertMany(pending(100));
  await using theirs = await OpenTransaction.on(database, [42], "totals");
  const process = ({ _id }: Record<string, unknown>) => ({
    writes: [
      invoiceFor(_id),
      { collection: "totals", updateOne: { filter: { _id }, update: { $inc: { n: 1 } } } },
    ],
  });
  await using agent = new InProcessAgent(store, process);
  await agent.until("the others to be processed", () => agent.count("processed") === 99);
  const { documents, error, kind } = await agent.event("settle_failed");
  assertEquals([documents, kind], [1, "ack_with_writes"]);
  assert(String(error).includes("an open transaction of another program may hold a lock"));
  await theirs[Symbol.asyncDispose]();
  await agent.until("all to be processed", () => agent.count("processed") === 100);
  assertEquals(agent.count("unconfirmed") + agent.count("lease_lost"), 0);
  assertEquals(await jobs(database).distinct("_pull.attempts"), [1]);
  assertEquals((await invoiced(database)).length, 100);
  assertEquals(await totals.countDocuments({ n: 1 } as never), 100);
});

Deno.test("Effect writes: a document that was locked is tried after the others from then on, in a transaction of its own", async () => {
  await using setup = await proxiedStore("effect faults");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(10));
  const { documents } = await store.take();
  await using _theirs = await OpenTransaction.on(database, [0]);
  const [first, ...others] = acksOf(documents);
  await assertRejects(() => store.ackWithWrites([first!]), UnansweredWritesError);
  const recorded = await proxy.record(async () => {
    const error = await assertRejects(
      () => store.ackWithWrites([first!, ...others]),
      UnansweredWritesError,
    );
    assertEquals([[...error.unanswered], error.others.matched, error.isApart], [[0], 9, true]);
  });
  assertEquals(transactionsIn(recorded), { begun: 2, commits: 1 });
});

Deno.test("Effect writes: a document whose write is refused does not wait for one that is locked", async () => {
  await using setup = await proxiedStore("effect faults");
  const { database, store } = setup;
  await database.db.collection(TARGET).createIndex({ order: 1 }, { unique: true });
  await database.db.collection(TARGET).insertOne({ order: 1 });
  await jobs(database).insertMany(pending(3));
  const { documents } = await store.take();
  await using _theirs = await OpenTransaction.on(database, [0]);
  const error = await assertRejects(() => store.ackWithWrites(acksOf(documents)), UnansweredWritesError);
  assertEquals([[...error.unanswered], [...error.refused.keys()], error.others.matched], [[0], [1], 1]);
});

/** What the server fails within a transaction, and how often. */
const FAULTS: Record<string, { data: Record<string, unknown>; times: number }> = {
  "a conflict at the acks": {
    data: { failCommands: ["update"], errorCode: 112, errorLabels: ["TransientTransactionError"] },
    times: 4,
  },
  "a conflict at the writes": {
    data: { failCommands: ["insert"], errorCode: 112, errorLabels: ["TransientTransactionError"] },
    times: 8,
  },
  "a transaction that the server has ended": {
    data: { failCommands: ["insert"], errorCode: 251, errorLabels: ["TransientTransactionError"] },
    times: 3,
  },
  "a lock on the whole collection": { data: { failCommands: ["insert"], errorCode: 24 }, times: 40 },
  "a time limit": { data: { failCommands: ["insert"], errorCode: 50 }, times: 3 },
  "a new primary at the writes": { data: { failCommands: ["insert"], errorCode: 10107 }, times: 2 },
  "a connection cut at the acks": { data: { failCommands: ["update"], closeConnection: true }, times: 3 },
  "a connection cut at the writes": { data: { failCommands: ["insert"], closeConnection: true }, times: 3 },
  "a connection cut at the commit": {
    data: { failCommands: ["commitTransaction"], closeConnection: true },
    times: 5,
  },
  "a connection cut at the abort": {
    data: { failCommands: ["insert", "abortTransaction"], closeConnection: true },
    times: 6,
  },
  "a refused commit of an unknown reason": {
    data: { failCommands: ["commitTransaction"], errorCode: 4242 },
    times: 3,
  },
  "a commit of a transaction that is not there": {
    data: {
      failCommands: ["commitTransaction"],
      errorCode: 251,
      errorLabels: ["TransientTransactionError"],
    },
    times: 3,
  },
  "a shutdown at the commit": { data: { failCommands: ["commitTransaction"], errorCode: 91 }, times: 5 },
  "no majority at the commit": {
    data: {
      failCommands: ["commitTransaction"],
      writeConcernError: { code: 64, errmsg: "waiting for replication timed out" },
    },
    times: 3,
  },
};

Deno.test("Effect writes are made once under each failure of the server, and no document fails or is at fault", async (t) => {
  await using server = await FailingServer.start();
  for (const [name, { data, times }] of Object.entries(FAULTS)) {
    await t.step(name, async () => {
      await using database = server.database();
      await jobs(database).insertMany(pending(60));
      await using store = openStore({ uri: `${database.uri}&appName=faulty`, name: database.name });
      await database.db.createCollection(TARGET);
      await using agent = new InProcessAgent(store, async ({ _id }) => {
        if (_id === 0) await server.fail("faulty", data, { times });
        return { writes: [invoiceFor(_id)] };
      }, { batchSize: 60, concurrency: 60 });
      const done = () => agent.count("processed") + agent.count("unconfirmed") >= 60;
      await agent.until("all to be processed", done);
      assert(await server.mend() > 0, "nothing has failed");
      assertEquals(agent.count("lease_lost"), 0);
      assertEquals([agent.all("retried"), agent.all("dead_lettered"), agent.all("settle_rejected")], [
        [],
        [],
        [],
      ]);
      assertEquals(await jobs(database).countDocuments({ status: "processed", "_pull.attempts": 1 }), 60);
      assertEquals(await invoiced(database), Array.from({ length: 60 }, (_, at) => at));
    });
  }
});
