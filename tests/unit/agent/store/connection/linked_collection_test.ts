import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Collection } from "mongodb";
import { systemClock } from "../../../../../agent/lib/clock.ts";
import { linkedCollection } from "../../../../../agent/store/connection/linked_collection.ts";
import {
  answerWithin,
  OperationTimeoutError,
} from "../../../../../agent/store/connection/operation_timeout.ts";
import { Abilities } from "../../../../../agent/store/server/abilities.ts";
import { isRefused, isTransient } from "../../../../../agent/store/mongo_errors.ts";

/** A collection whose operations `answer`, as far as they do. */
function collectionOf(answer: () => Promise<unknown>): Collection {
  return {
    namespace: "shop.orders",
    updateMany: answer,
    createIndex: answer,
    estimatedDocumentCount: answer,
    find: () => ({ toArray: answer }),
    listIndexes: () => ({ toArray: answer }),
    watch(this: { namespace: string }) {
      return this.namespace;
    },
  } as unknown as Collection;
}

/** The same collection, whose operations fail if they are not answered in time. */
function limited(collection: Collection, limitMs: number): Collection {
  return linkedCollection(
    () => collection,
    (operation) => answerWithin(operation(), limitMs, systemClock),
    new Abilities(),
  );
}

Deno.test("linkedCollection(): an operation that is never answered fails as an outage does, with its outcome unknown", async () => {
  const collection = limited(collectionOf(() => new Promise(() => {})), 1);
  for (
    const operation of [
      () => collection.updateMany({}, {}),
      () => collection.find({}).toArray(),
      () => collection.createIndex({ a: 1 }),
      () => collection.listIndexes().toArray(),
      () => collection.estimatedDocumentCount(),
    ]
  ) {
    const error = await assertRejects(operation, OperationTimeoutError, "did not answer within 1 ms");
    assert(isTransient(error));
    assert(!isRefused(error));
  }
});

Deno.test("linkedCollection(): an answer, an error and everything else of a collection come through as they are", async () => {
  const collection = limited(collectionOf(() => Promise.resolve([1])), 60_000);
  assertEquals(await collection.find({}).toArray(), [1] as never);
  assertEquals([collection.namespace, collection.watch()], ["shop.orders", "shop.orders" as never]);
  const failing = limited(collectionOf(() => Promise.reject(new Error("refused"))), 60_000);
  await assertRejects(() => failing.updateMany({}, {}), Error, "refused");
});

Deno.test("linkedCollection(): an answer that comes too late is not a stray error", async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const collection = limited(collectionOf(() => promise), 1);
  await assertRejects(() => collection.updateMany({}, {}), OperationTimeoutError);
  reject(new Error("late"));
  await new Promise((resolve) => setTimeout(resolve, 0));
});
