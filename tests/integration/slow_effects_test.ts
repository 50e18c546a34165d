import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { UnansweredWritesError } from "../../agent/partial_writes.ts";
import type { Ack, EffectWrite } from "../../agent/ports.ts";
import { OutOfTimeError } from "../../agent/store/effects/transaction_errors.ts";
import { invoiced, invoiceFor } from "../support/effects.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { jobs, openStore, pending } from "../support/store.ts";

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

Deno.test("Effect writes of one document that take too long wait apart, and the others are made", async () => {
  await using database = await testDatabase("slow effects");
  await withoutIndex(database);
  await jobs(database).insertMany(pending(20));
  await using store = openStore(database, { leaseMs: LEASE_MS });
  let left: Ack[] = (await store.take()).documents.map((document) => ({
    document,
    writes: document.id === 7 ? searches(900) : [invoiceFor(document.id)],
  }));
  while (left.length > 1) {
    const error = await assertRejects(() => store.ackWithWrites(left), UnansweredWritesError);
    assertInstanceOf(error.cause, OutOfTimeError);
    left = left.filter((_, position) => error.unanswered.has(position));
  }
  assertEquals(left.map(({ document }) => document.id), [7]);
  assertEquals((await invoiced(database)).length, 19);
  const error = await assertRejects(() => store.ackWithWrites(left), UnansweredWritesError);
  assertEquals([error.isApart, error.unmade.size], [true, 1]);
});
