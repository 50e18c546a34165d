import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { RefusedWritesError, UnansweredWritesError } from "../../agent/partial_writes.ts";
import type { Ack, EffectWrite } from "../../agent/ports.ts";
import { OutOfTimeError } from "../../agent/store/effects/transaction_errors.ts";
import { invoiced, invoiceFor } from "../support/effects.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { jobs, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** With such a lease the transactions of a call have two thirds of a second. */
const LEASE_MS = 2000;

/** A collection whose documents are found without an index: each search reads all of them. */
async function withoutIndex(database: TestDatabase): Promise<void> {
  const customers = Array.from({ length: 30_000 }, (_, number) => ({ number }));
  await database.db.collection("customers").insertMany(customers);
}

function searches(count: number): EffectWrite[] {
  const updateOne = { filter: { number: -1 }, update: { $inc: { orders: 1 } } };
  return Array.from({ length: count }, () => ({ collection: "customers", updateOne }));
}

Deno.test("Effect writes that miss an index are made in smaller transactions, and get done", async () => {
  await using database = await testDatabase("slow effects");
  await withoutIndex(database);
  await jobs(database).insertMany(pending(100));
  await using store = openStore(database, { leaseMs: LEASE_MS });
  let left: Ack[] = (await store.take()).documents.map((document) => ({
    document,
    writes: [...searches(1), invoiceFor(document.id)],
  }));
  let calls = 0;
  for (; left.length > 0 && calls < 200; calls++) {
    const error = await store.ackWithWrites(left).catch((error) => error);
    if (!(error instanceof UnansweredWritesError)) break;
    assertInstanceOf(error.cause, OutOfTimeError);
    assert(store.isTransient(error.cause));
    assertEquals(error.unmade, error.unanswered);
    left = left.filter((_, position) => error.unanswered.has(position));
  }
  assert(calls > 0, "It was not slow");
  assertEquals(await invoiced(database), Array.from({ length: 100 }, (_, order) => order));
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 100);
});

Deno.test("Effect writes of one document that take too long are in doubt, and the others are made", async () => {
  await using database = await testDatabase("slow effects");
  await withoutIndex(database);
  await jobs(database).insertMany(pending(20));
  await using store = openStore(database, { leaseMs: LEASE_MS });
  let left: Ack[] = (await store.take()).documents.map((document) => ({
    document,
    writes: document.id === 7 ? searches(900) : [invoiceFor(document.id)],
  }));
  let why: unknown;
  while (why === undefined || left.length > 0) {
    const error = await store.ackWithWrites(left).catch((error) => error);
    if (!(error instanceof RefusedWritesError || error instanceof UnansweredWritesError)) break;
    why ??= [...error.refused.values()][0];
    if (error instanceof RefusedWritesError) break;
    left = left.filter((_, position) => error.unanswered.has(position));
  }
  assertMatch(
    String(why),
    /: 900 writes: MongoDB did not make the writes of a processor in time: create an index/,
  );
  assert(store.isDoubtful(why));
  assertEquals((await invoiced(database)).length, 19);
  const open = await jobs(database).find({ status: { $ne: "processed" } }).toArray();
  assertEquals(open.map(({ _id }) => _id), [7]);
});

Deno.test("Effect writes of one document that take too long each time, while those of others are made, fail its attempt", async () => {
  await using database = await testDatabase("slow effects");
  await withoutIndex(database);
  await jobs(database).insertMany(pending(2));
  await using store = openStore(database, { leaseMs: LEASE_MS });
  const process = ({ _id }: Record<string, unknown>) => ({
    writes: _id === 1 ? searches(900) : [invoiceFor(_id)],
  });
  await using agent = new InProcessAgent(store, process, { maxAttempts: 1 });
  let next = 2;
  await waitFor("it to be a dead letter", async () => {
    await jobs(database).insertOne({ _id: next++, status: "pending" });
    return agent.all("dead_lettered").length === 1;
  });
  const { error, id } = await agent.event("dead_lettered");
  assertEquals(id, 1);
  assertMatch(
    error,
    /^The writes cannot be made: 900 writes: MongoDB did not make the writes of a processor/,
  );
  await agent.until("the others to be processed", () => agent.count("processed") === next - 1);
  assertEquals((await invoiced(database)).length, next - 1);
});
