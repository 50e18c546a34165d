import { assert, assertEquals } from "@std/assert";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { COLLECTION, expireLeases, idsOf, jobs, makeDue, openStore, pending } from "../support/store.ts";
import { expired } from "../support/suspects.ts";
import { waitFor } from "../support/wait.ts";
import { redrive } from "../support/letters_for_commands.ts";

const UPDATE = { command: "update", collection: COLLECTION };
const HOUR_MS = 3_600_000;

Deno.test("snooze: a document waits by the server's clock, without a lease, with its attempt and errors as before", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1, { field: "of the user's" }));
  await store.nack([{ document: await store.takeOne(), error: "it broke", delayMs: 0 }]);
  await makeDue(jobs(database));
  const document = await store.takeOne();
  const { localTime: before } = await database.client.db("admin").command({ hello: 1 });

  assertEquals((await store.snooze([{ document, snoozeMs: HOUR_MS }])).matched, 1);
  const { localTime: after } = await database.client.db("admin").command({ hello: 1 });
  const { _pull: { errors, visible_at: due, ...rest }, ...fields } = await jobs(database).findOne();
  assertEquals([errors.length, rest], [1, { attempts: 1, snoozes: 1 }]);
  assertEquals(fields, { _id: 0, status: "pending", error: "it broke", field: "of the user's" });
  // The agent's estimate of the server's clock is never ahead of it, and behind it by an answer's time.
  assert(due <= new Date(+after + HOUR_MS) && due >= new Date(+before + HOUR_MS - 60_000));
  assertEquals(idsOf(await store.take()), []);
});

Deno.test("snooze: an ack removes the count of snoozes with the rest of the bookkeeping", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  await store.snooze([{ document: await store.takeOne(), snoozeMs: 0 }]);
  const document = await store.takeOne();
  assertEquals([document.attempt, document.snoozes], [1, 1]);
  await store.ack([{ document }]);
  assertEquals((await jobs(database).findOne())._pull, { attempts: 1 });
});

Deno.test("snooze: a redrive removes the count of snoozes", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  await store.snooze([{ document: await store.takeOne(), snoozeMs: 0 }]);
  await store.deadLetter(await store.takeOne(), "no");
  assertEquals((await jobs(database).findOne())._pull.snoozes, 1, "a failed document keeps it");
  const box = await store.forCommands.letters();
  for await (const letter of box.list({ limit: 1 })) await redrive(box, letter);
  const document = await store.takeOne();
  assertEquals([document.attempt, document.snoozes], [1, 0]);
});

for (const snoozes of ["three", NaN, { n: 1 }, null]) {
  Deno.test(`snooze: a count of snoozes that is ${JSON.stringify(snoozes)} keeps no document from its run`, async () => {
    await using database = await testDatabase("snooze");
    await using store = openStore(database);
    await jobs(database).insertMany(pending(1, { _pull: { snoozes } }));
    const document = await store.takeOne();
    assertEquals(document.snoozes, 0);
    assertEquals((await store.ack([{ document }])).matched, 1);
  });
}

Deno.test("snooze: a document runs as often as it asks for, with MAX_ATTEMPTS 1, and knows how often", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).insertMany(pending(3));
  const seen: unknown[] = [];
  await using agent = new InProcessAgent(store, ({ _id }, { attempt, snoozes }) => {
    if (_id === 0) seen.push([attempt, snoozes]);
    return snoozes < 4 ? { snoozeMs: 5 } : { set: { snoozes } };
  }, { maxAttempts: 1, pollIntervalMs: 600_000 });
  await agent.until("all to be processed", () => agent.count("processed") === 3);
  assertEquals(seen, [[1, 0], [1, 1], [1, 2], [1, 3], [1, 4]]);
  assertEquals(agent.count("snoozed"), 12);
  assertEquals(await jobs(database).distinct("snoozes"), [4]);
});

Deno.test("snooze: a batch puts off the documents whose entries ask for it", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(4));
  await using agent = new InProcessAgent(store, {
    kind: "batch",
    processBatch: (documents, { snoozes }) =>
      documents.map(({ _id }, position) =>
        _id % 2 === 1 && snoozes[position] === 0 ? { snoozeMs: 5 } : undefined
      ),
  });
  await agent.until("all to be processed", () => agent.count("processed") === 4);
  assertEquals(agent.count("snoozed"), 2);
});

Deno.test("snooze: MAX_SNOOZE cuts a longer wait", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  await using agent = new InProcessAgent(
    store,
    (_, { snoozes }) => snoozes === 0 ? { snoozeMs: 1e18 } : undefined,
    { maxSnoozeMs: 5 },
  );
  await agent.until("it to be processed", () => agent.count("processed") === 1);
});

Deno.test("snooze: one whose answer is lost is applied once, and counts as unconfirmed", async () => {
  await using setup = await proxiedStore("snooze");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  await using agent = new InProcessAgent(store, () => {
    // The driver itself sends it once more.
    proxy.loseAnswers(UPDATE, 2);
    return { snoozeMs: HOUR_MS };
  }, { maxSnoozeMs: HOUR_MS });
  await agent.until("it to be settled", () => agent.count("unconfirmed") === 1);
  await agent.drain();
  const { status, _pull: { visible_at: _, ...rest } } = await jobs(database).findOne();
  assertEquals([status, rest], ["pending", { attempts: 0, snoozes: 1 }]);
  assertEquals([agent.count("lease_lost"), agent.all("unconfirmed")[0]!.during], [0, "snooze"]);
});

Deno.test("snooze: a claim that read its candidates before takes none that was put off meanwhile (rule 37)", async () => {
  await using setup = await proxiedStore("snooze");
  const { database, other, proxy, store } = setup;
  await jobs(database).insertMany(pending(3));
  await other.snooze((await other.take()).documents.map((document) => ({ document, snoozeMs: 0 })));
  const claim = proxy.hold(UPDATE);
  const late = store.take();
  await claim.arrived; // It has read all of them as due.
  const [first] = (await other.take()).documents.filter(({ id }) => id === 1);
  await other.snooze([{ document: first!, snoozeMs: HOUR_MS }]);
  claim.pass();
  assertEquals(idsOf(await late), []);
  const { status, _pull: { attempts, snoozes } } = await jobs(database).findOne({ _id: 1 });
  assertEquals([status, attempts, snoozes], ["pending", 0, 2]);
});

Deno.test("snooze: an agent whose lease was taken over puts nothing off", async () => {
  await using setup = await proxiedStore("snooze");
  const { database, other, store } = setup;
  await jobs(database).insertMany(pending(2));
  const [lost, kept] = (await store.take()).documents;
  await expireLeases(jobs(database), { _id: lost!.id });
  await other.take();
  const before = await jobs(database).findOne({ _id: lost!.id });
  for (const waits of [[HOUR_MS, HOUR_MS], [HOUR_MS, 5]]) {
    const snoozes = [lost!, kept!].map((document, position) => ({ document, snoozeMs: waits[position]! }));
    await store.snooze(snoozes);
    assertEquals(await jobs(database).findOne({ _id: lost!.id }), before);
  }
  assertEquals((await jobs(database).findOne({ _id: kept!.id }))._pull.snoozes, 1);
});

Deno.test("snooze: of the documents of a claim that a validator refuses, those alone stay leased", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(5));
  await database.db.command({
    collMod: COLLECTION,
    validator: { $or: [{ _id: { $nin: [1, 3] } }, { status: "processing" }] },
  });
  await using agent = new InProcessAgent(store, () => ({ snoozeMs: 60_000 }));
  await agent.until("two to be refused", () => agent.all("settle_rejected").length === 2);
  await agent.until("the others to be put off", () => agent.count("snoozed") === 3);
  assertEquals(
    (await jobs(database).find({ status: "processing" }).sort({ _id: 1 }).toArray()).map(({ _id }) => _id),
    [1, 3],
  );
  assertEquals(agent.all("settle_rejected").map(({ kind, next }) => [kind, next]), [
    ["snooze", "nothing"],
    ["snooze", "nothing"],
  ]);
});

Deno.test("snooze: a suspect stays one, runs alone when it is due, and its mark is taken back (rule 36)", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertOne(expired(1, { takeovers: 1, alone: 1 }));
  await using agent = new InProcessAgent(store, (_, { snoozes }) => snoozes < 2 ? { snoozeMs: 5 } : false);
  await agent.until("it to fail", () => agent.all("retried").length === 1);
  assertEquals(agent.count("snoozed"), 2);
  assertEquals(agent.all("dead_lettered"), [], "no snooze is taken for an end of the process");
  const { _pull } = await jobs(database).findOne();
  assertEquals(_pull.alone, undefined, "the nack has cleared the suspicion");
});

Deno.test("snooze: a suspect that was put off is claimed as a suspect again, with its mark as it was before (rule 36)", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertOne(expired(1, { takeovers: 1 }));
  const suspect = (await store.takeSuspect())!;
  assertEquals(await store.markRunningAlone(suspect), 1);
  await store.snooze([{ document: suspect, snoozeMs: 1 }]);
  const { _pull } = await jobs(database).findOne();
  assertEquals([_pull.takeovers, _pull.alone], [2, 0]);
  await makeDue(jobs(database));
  assertEquals(idsOf(await store.take()), []);
  assertEquals((await store.takeSuspect())?.id, 1);
});

Deno.test("snooze: documents of a handler that ends while the agent drains are put off", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  const go = Promise.withResolvers<void>();
  let runs = 0;
  await using agent = new InProcessAgent(store, async () => {
    runs += 1;
    await go.promise;
    return { snoozeMs: 1000 };
  });
  await waitFor("the handler to run", () => runs);
  agent.agent.drain("the test says so");
  go.resolve();
  const { finished, released, abandoned } = await agent.stopped;
  assertEquals([finished, released, abandoned], [1, 0, 0]);
  const { status, _pull: { visible_at: _, ...rest } } = await jobs(database).findOne();
  assertEquals([status, rest], ["pending", { attempts: 0, snoozes: 1 }]);
});

Deno.test("snooze: an agent that ends when nothing is left waits for those that it has put off itself", async () => {
  await using database = await testDatabase("snooze");
  await using store = openStore(database);
  await jobs(database).insertMany([
    ...pending(3),
    { _id: "of another", status: "pending", _pull: { visible_at: new Date(Date.now() + HOUR_MS) } },
  ]);
  await using agent = new InProcessAgent(
    store,
    (_, { snoozes }) => snoozes < 2 ? { snoozeMs: 50 } : undefined,
    { pollIntervalMs: 600_000 },
    { untilEmpty: true },
  );
  await agent.stopped;
  assertEquals([agent.count("processed"), agent.count("snoozed")], [3, 6]);
});
