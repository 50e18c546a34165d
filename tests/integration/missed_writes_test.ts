import { assertEquals, assertRejects } from "@std/assert";
import { UnansweredWritesError } from "../../agent/partial_writes.ts";
import type { LeasedDocument, Settlement } from "../../agent/ports.ts";
import { linesOf } from "../support/event_log.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import {
  COLLECTION,
  expireLeases,
  idsOf,
  jobs,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const FIND = { command: "find", collection: COLLECTION };
const UPDATE = { command: "update", collection: COLLECTION };

/** What a settlement says, with ids in the place of documents. */
const said = ({ matched, missed }: Settlement) => ({ matched, missed: missed.map(({ id }) => id) });

const WRITES = new Map<
  string,
  (store: TestStore, documents: readonly LeasedDocument[]) => Promise<Settlement>
>(
  [
    ["ack", (store, documents) => store.ack(documents.map((document) => ({ document })))],
    [
      "ack with fields",
      (store, documents) => store.ack(documents.map((document) => ({ document, set: { n: 1 } }))),
    ],
    [
      "nack",
      (store, documents) =>
        store.nack(documents.map((document) => ({ document, error: "fails", delayMs: 60_000 }))),
    ],
    [
      "nack without its error",
      (store, documents) =>
        store.nack(
          documents.map((document) => ({ document, error: "", delayMs: 60_000, withoutError: true })),
        ),
    ],
    ["release", (store, documents) => store.release(documents)],
  ],
);

Deno.test("Settlements: log lines name the documents that are retried, and the one whose lease another agent has taken over", async () => {
  await using database = await testDatabase("missed writes");
  await using store = openStore(database);
  await using other = openStore(database);
  await jobs(database).insertMany(pending(3));
  const { promise: fails, resolve: fail } = Promise.withResolvers<void>();
  let running = 0;
  await using agent = new InProcessAgent(store, async () => {
    running += 1;
    await fails;
    throw new Error("it broke");
  }, { retryBackoffMs: 600_000, retryBackoffMaxMs: 600_000 });
  await waitFor("all to run", () => running === 3);
  // It would take its own document over as well.
  agent.gate.pause("file");
  // A renewal may come between the two.
  await waitFor("another agent to take one over", async () => {
    await expireLeases(jobs(database), { _id: 0 });
    return idsOf(await other.take()).length === 1;
  });
  fail();
  const lost = await agent.event("lease_lost");
  await agent.until("the others", () => agent.all("retried").length === 2);

  assertEquals([lost.documents, lost.ids, lost.during], [1, [0], "nack"]);
  const lines = linesOf(...agent.seen);
  const retried = lines.filter(({ message }) => message === "Processing failed and will be retried");
  assertEquals(retried.map(({ id }) => id), ["<1>", "<2>"]);
  const [line] = lines.filter(({ message }) => String(message).startsWith("Lost the lease"));
  assertEquals([line?.documents, line?.ids, line?.among], [1, ["<0>"], undefined]);
  const stored = await jobs(database).find({ status: "pending" }).toArray();
  assertEquals(stored.map(({ _id }) => _id).sort(), [1, 2]);
});

for (const [what, write] of WRITES) {
  Deno.test(`Settlements: a write (${what}) that misses documents says which, for one read more`, async () => {
    await using setup = await proxiedStore("missed writes");
    const { database, proxy, store, other } = setup;
    await jobs(database).insertMany(pending(5));
    const { documents } = await store.take();
    await jobs(database).deleteOne({ _id: 3 });
    await expireLeases(jobs(database), { _id: 1 });
    assertEquals(idsOf(await other.take()), [1]);

    let settlement: Settlement | undefined;
    const commands = await proxy.record(async () => settlement = await write(store, documents));
    assertEquals(said(settlement!), { matched: 3, missed: [1, 3] });
    const sent = commands.filter(({ collection }) => collection === COLLECTION);
    assertEquals(sent.map(({ command }) => command), ["update", "find"]);
  });

  Deno.test(`Settlements: a write (${what}) that misses documents names all it may have missed if the read for it fails`, async () => {
    await using setup = await proxiedStore("missed writes");
    const { database, proxy, store } = setup;
    await jobs(database).insertMany(pending(3));
    const { documents } = await store.take();
    await jobs(database).deleteOne({ _id: 1 });
    proxy.loseAnswers(FIND, 2);
    assertEquals(said(await write(store, documents)), { matched: 2, missed: [0, 1, 2] });
  });
}

Deno.test("Settlements: a nack names the document it missed, even if another agent has claimed one that it wrote", async () => {
  await using setup = await proxiedStore("missed writes");
  const { database, proxy, store, other } = setup;
  await jobs(database).insertMany(pending(3));
  const { documents } = await store.take();
  await jobs(database).deleteOne({ _id: 1 });
  const reading = proxy.hold(FIND);
  const nacked = store.nack(documents.map((document) => ({ document, error: "fails", delayMs: -1000 })));
  await reading.arrived;
  assertEquals(idsOf(await other.take(1)), [0]);
  reading.pass();
  assertEquals(said(await nacked), { matched: 2, missed: [1] });
});

Deno.test("Settlements: an ack names all documents if the missed one looks like those it wrote, as another agent has processed it", async () => {
  await using database = await testDatabase("missed writes");
  await using store = openStore(database);
  await using other = openStore(database);
  await jobs(database).insertMany(pending(3));
  const { documents } = await store.take();
  await expireLeases(jobs(database), { _id: 1 });
  await other.ack([{ document: await other.takeOne() }]);
  const settlement = await store.ack(documents.map((document) => ({ document })));
  assertEquals(said(settlement), { matched: 2, missed: [0, 1, 2] });
});

Deno.test("Settlements: a write of several claims keeps what was written when one of them has no answer", async () => {
  await using setup = await proxiedStore("missed writes");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(4));
  const documents = [...(await store.take(2)).documents, ...(await store.take(2)).documents];
  const held = proxy.hold(UPDATE);
  const lost = proxy.loseAnswers(UPDATE);
  const acked = store.ack(documents.map((document) => ({ document })));
  const failure = assertRejects(() => acked, UnansweredWritesError);
  await Promise.all([held.arrived, lost.first]);
  held.pass();
  const { others, unanswered } = await failure;
  assertEquals([others.matched, others.missed, unanswered.size], [2, [], 2]);
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 4);
});

Deno.test("Settlements: an agent that ends when nothing is left waits for a retry that it has scheduled, though the answer is lost", async () => {
  await using setup = await proxiedStore("missed writes");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  let runs = 0;
  await using agent = new InProcessAgent(
    store,
    () => {
      runs += 1;
      if (runs > 1) return;
      // The driver itself sends it a second time.
      proxy.loseAnswers(UPDATE, 2);
      throw Object.assign(new Error("once"), { retryAfterMs: 2000 });
    },
    {},
    { untilEmpty: true },
  );
  await agent.stopped;
  assertEquals([runs, agent.count("unconfirmed"), agent.all("retried")], [2, 1, []]);
  assertEquals((await jobs(database).findOne()).status, "processed");
});
