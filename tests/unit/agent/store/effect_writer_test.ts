import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import type { Collection } from "mongodb";
import { MongoExpiredSessionError } from "mongodb";
import { UnansweredWritesError } from "../../../../agent/partial_writes.ts";
import type { Ack } from "../../../../agent/ports.ts";
import { OperationTimeoutError } from "../../../../agent/store/connection/operation_timeout.ts";
import { EffectWriter } from "../../../../agent/store/effects/effect_writer.ts";
import type { Transaction } from "../../../../agent/store/effects/transactions.ts";
import { isTransient } from "../../../../agent/store/mongo_errors.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

const LIMIT_MS = 20_000;

/** Documents that ask for so many writes that each takes a transaction of its own. */
function acks(count: number): Ack[] {
  return Array.from({ length: count }, (_, id) => ({
    document: fakeDocument({ id }),
    writes: Array.from({ length: 600 }, () => ({ collection: "invoices", insertOne: {} })),
  }));
}

function writer(clock: ManualClock, begin: () => Promise<Transaction>): EffectWriter {
  return new EffectWriter({
    transactions: { begin },
    collection: { collectionName: "jobs" } as Collection,
    clock,
    random: () => 0.5,
    maxTimeMS: 1000,
    limitMs: LIMIT_MS,
    commandMs: LIMIT_MS,
  });
}

/** A transaction in which all goes well, and each ack matches. */
const GOOD = {
  bulkWrite: () => Promise.resolve({ matchedCount: 1 }),
  commit: () => Promise.resolve(),
  abort: () => Promise.resolve(),
} as unknown as Transaction;

Deno.test("EffectWriter takes a session that was closed meanwhile for no document's fault: the same may succeed later", async () => {
  const begin = () => Promise.reject(new MongoExpiredSessionError());
  const error = await assertRejects(
    () => writer(new ManualClock(), begin).write(acks(2)),
    UnansweredWritesError,
  );
  assert(isTransient(error.cause), String(error.cause));
  assertEquals([[...error.unanswered], [...error.unmade], error.isApart], [[0, 1], [0, 1], false]);
});

Deno.test("EffectWriter begins no transaction once its time is over, and names the documents that are left as unmade", async () => {
  const clock = new ManualClock();
  let begun = 0;
  const error = await assertRejects(
    () =>
      writer(clock, async () => {
        begun += 1;
        await clock.advance(LIMIT_MS / 2);
        return GOOD;
      }).write(acks(5)),
    UnansweredWritesError,
  );
  assertInstanceOf(error.cause, OperationTimeoutError);
  assertEquals([begun, error.others.matched, [...error.unmade]], [2, 2, [2, 3, 4]]);
});
