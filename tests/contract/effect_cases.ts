import { assert, assertEquals, assertRejects } from "@std/assert";
import { RefusedWritesError } from "../../agent/partial_writes.ts";
import type { EffectWrite, LeasedDocument } from "../../agent/ports.ts";
import { type Cases, claimed, it, takeOver, told } from "./cases.ts";
import { fenced, lossy, type Settle } from "./outcome_cases.ts";
import { TARGET } from "./subject.ts";

/** A write that inserts a document. */
function insertion(_id: string, fields = {}): EffectWrite {
  return { collection: TARGET, insertOne: { _id, ...fields } };
}

/** Acks each document with a write that inserts one of the same `_id`. */
const settleWithWrites: Settle = (store, documents) =>
  store.ackWithWrites(
    documents.map((document) => ({ document, writes: [insertion(String(document.id))] })),
  );

function ackOf(document: LeasedDocument | undefined, ...writes: EffectWrite[]) {
  return { document: document!, writes };
}

export const ACK_WITH_WRITES: Cases = [
  it("marks documents as processed, and makes all kinds of writes in their order", async (subject) => {
    const [a, b] = await claimed(subject, "a", "b");
    const collection = TARGET;
    const settlement = await subject.store.ackWithWrites([
      {
        ...ackOf(
          a,
          insertion("x", { n: 1 }),
          { collection, updateOne: { filter: { _id: "x" }, update: { $set: { m: 2 } } } },
          insertion("y"),
          { collection, deleteOne: { filter: { _id: "y" } } },
        ),
        set: { total: 3 },
      },
      ackOf(
        b,
        { collection, replaceOne: { filter: { _id: "z" }, replacement: { n: 4 }, upsert: true } },
      ),
    ]);
    assertEquals(told(settlement), { matched: 2, missed: [] });
    assertEquals(await subject.targets(), [{ _id: "x", n: 1, m: 2 }, { _id: "z", n: 4 }]);
    const { attempts, fields, isLeased, status } = await subject.stored("a");
    assertEquals([status, attempts, isLeased, fields.total], ["processed", 1, false, 3]);
  }),
  it("makes none of the writes of a document whose lease is lost", async (subject) => {
    const [lost, kept] = await claimed(subject, "a", "b");
    await takeOver(subject, "a");
    assertEquals(told(await settleWithWrites(subject.store, [lost!, kept!])), { matched: 1, missed: ["a"] });
    assertEquals(await subject.targets(), [{ _id: "b" }]);
  }),
  it("makes none of the writes of a document if one is refused, and all of the others", async (subject) => {
    const documents = await claimed(subject, "a", "b", "c");
    await settleWithWrites(subject.store, await claimed(subject, "taken"));
    const error = await assertRejects(
      () =>
        subject.store.ackWithWrites([
          ackOf(documents[0], insertion("x")),
          ackOf(documents[1], insertion("y"), insertion("taken")),
          ackOf(documents[2], insertion("z")),
        ]),
      RefusedWritesError,
    );
    assertEquals([[...error.refused.keys()], told(error.others)], [[1], { matched: 2, missed: [] }]);
    assertEquals((await subject.targets()).map(({ _id }) => _id), ["taken", "x", "z"]);
    const { isLeased, status } = await subject.stored("b");
    assertEquals([status, isLeased], ["processing", true]);
  }),
  it("makes the writes of the first of two documents that cannot both be written", async (subject) => {
    const [a, b] = await claimed(subject, "a", "b");
    const acks = [ackOf(a, insertion("x", { n: 1 })), ackOf(b, insertion("x", { n: 2 }))];
    const error = await assertRejects(() => subject.store.ackWithWrites(acks), RefusedWritesError);
    assertEquals([[...error.refused.keys()], error.others.matched], [[1], 1]);
    assertEquals(await subject.targets(), [{ _id: "x", n: 1 }]);
  }),
  it("makes no write twice if its answer is lost and it is sent again", async (subject) => {
    const [document] = await claimed(subject, "a");
    subject.loseAnswer("ackWithWrites");
    await assertRejects(() => settleWithWrites(subject.store, [document!]));
    await settleWithWrites(subject.store, [document!]);
    assertEquals(await subject.targets(), [{ _id: "a" }]);
    assert(!(await subject.stored("a")).isLeased);
  }),
  ...fenced(settleWithWrites),
  lossy("ackWithWrites", settleWithWrites),
];
