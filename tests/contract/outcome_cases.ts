import { assert, assertEquals, assertRejects } from "@std/assert";
import { RefusedWritesError, UnansweredWritesError } from "../../agent/partial_writes.ts";
import type { DocumentStore, LeasedDocument, Settlement } from "../../agent/ports.ts";
import {
  ALL,
  type Case,
  type Cases,
  claimed,
  claimOne,
  claimSuspect,
  fresh,
  it,
  suspect,
  takeOver,
  told,
} from "./cases.ts";

import { ACK_CHECKPOINTS, carriesCheckpoints, DEAD_LETTER_CHECKPOINTS } from "./checkpoint_cases.ts";

/** Settles documents in one way. */
export type Settle = (store: DocumentStore, documents: readonly LeasedDocument[]) => Promise<Settlement>;

const settleAck: Settle = (store, documents) => store.ack(documents.map((document) => ({ document })));
const settleNack: Settle = (store, documents) =>
  store.nack(documents.map((document) => ({ document, error: "it broke", delayMs: 0 })));
const settleRelease: Settle = (store, documents) => store.release(documents);

const settleSnooze: Settle = (store, documents) =>
  store.snooze(documents.map((document) => ({ document, snoozeMs: 60_000 })));

/** What holds for each write that ends leases. */
export function fenced(settle: Settle): readonly Case[] {
  return [
    it("misses a document that another agent has taken over, and changes nothing of it", async (subject) => {
      const [lost, kept] = await claimed(subject, "a", "b");
      await takeOver(subject, "a");
      const before = await subject.stored("a");
      assertEquals(told(await settle(subject.store, [lost!, kept!])), { matched: 1, missed: ["a"] });
      assertEquals(await subject.stored("a"), before);
      assert(!(await subject.stored("b")).isLeased);
    }),
    it("writes documents of several claims", async (subject) => {
      const documents = [...await claimed(subject, "a", "b"), ...await claimed(subject, "c")];
      assertEquals(told(await settle(subject.store, documents)), { matched: 3, missed: [] });
    }),
    it("misses what is settled already", async (subject) => {
      const [document] = await claimed(subject, "a");
      await settle(subject.store, [document!]);
      const before = await subject.stored("a");
      assertEquals(told(await settle(subject.store, [document!])), { matched: 0, missed: ["a"] });
      assertEquals(await subject.stored("a"), before);
    }),
    it("names the documents that the database refuses by their position, and writes the others", async (subject) => {
      const documents = await claimed(subject, "a", "b", "c");
      await subject.refuse("b");
      const error = await assertRejects(() => settle(subject.store, documents), RefusedWritesError);
      assertEquals([[...error.refused.keys()], told(error.others)], [[1], { matched: 2, missed: [] }]);
      assertEquals((await subject.stored("b")).status, "processing");
      assert((await subject.stored("c")).status !== "processing");
    }),
  ];
}

/** What holds for a write whose answer is lost. */
export function lossy(method: "ack" | "ackWithWrites" | "release" | "snooze", settle: Settle): Case {
  return it("fails for a reason that passes if its answer is lost; sent again, it misses", async (subject) => {
    const [document] = await claimed(subject, "a");
    subject.loseAnswer(method);
    const error = await assertRejects(() => settle(subject.store, [document!]));
    assert(subject.store.isTransient(error instanceof UnansweredWritesError ? error.cause : error));
    assertEquals(told(await settle(subject.store, [document!])), { matched: 0, missed: ["a"] });
  });
}

export const ACK: Cases = [
  it("marks documents as processed, keeps their attempts, and removes the error", async (subject) => {
    const [first] = await claimed(subject, "a");
    await subject.store.nack([{ document: first!, error: "it broke", delayMs: 0 }]);
    const document = await claimOne(subject.store);
    assertEquals(told(await subject.store.ack([{ document }])), { matched: 1, missed: [] });
    assertEquals(await subject.stored("a"), {
      status: "processed",
      attempts: 2,
      takeovers: 0,
      snoozes: 0,
      saved: undefined,
      alone: 0,
      isLeased: false,
      error: undefined,
      fields: { text: "text of a" },
    });
  }),
  it("writes the fields of each document", async (subject) => {
    const [a, b, c] = await claimed(subject, "a", "b", "c");
    const acks = [{ document: a!, set: { n: 1 } }, { document: b!, set: { n: 2 } }, { document: c! }];
    assertEquals((await subject.store.ack(acks)).matched, 3);
    const fields = await Promise.all(["a", "b", "c"].map(async (id) => (await subject.stored(id)).fields.n));
    assertEquals(fields, [1, 2, undefined]);
  }),
  ...ACK_CHECKPOINTS,
  ...fenced(settleAck),
  lossy("ack", settleAck),
];

export const NACK: Cases = [
  it("sets documents back to pending with their error, due after their delay", async (subject) => {
    const [now, later] = await claimed(subject, "a", "b");
    const settlement = await subject.store.nack([
      { document: now!, error: "it broke", delayMs: 0 },
      { document: later!, error: "it broke, too", delayMs: 3_600_000 },
    ]);
    assertEquals(told(settlement), { matched: 2, missed: [] });
    const { attempts, error, isLeased, status } = await subject.stored("b");
    assertEquals([status, attempts, error, isLeased], ["pending", 1, "it broke, too", false]);
    assertEquals((await claimOne(subject.store)).id, "a");
  }),
  it("writes nothing of the error if it is told so", async (subject) => {
    const [document] = await claimed(subject, "a");
    await subject.store.nack([{ document: document!, error: "it broke", delayMs: 0, withoutError: true }]);
    const { error, status } = await subject.stored("a");
    assertEquals([status, error], ["pending", undefined]);
  }),
  it("clears the suspicion", async (subject) => {
    await subject.insert(suspect("a"));
    const document = await claimSuspect(subject.store);
    await subject.store.markRunningAlone(document);
    await subject.store.nack([{ document, error: "it broke", delayMs: 0 }]);
    const { alone, takeovers } = await subject.stored("a");
    assertEquals([alone, takeovers], [0, 0]);
    assertEquals((await claimOne(subject.store)).suspect, undefined);
  }),
  ...carriesCheckpoints(settleNack),
  ...fenced(settleNack),
];

export const RELEASE: Cases = [
  it("sets documents back to pending, due at once, with their attempt", async (subject) => {
    const documents = await claimed(subject, "a", "b");
    assertEquals(told(await subject.store.release(documents)), { matched: 2, missed: [] });
    const { attempts, error, isLeased, status } = await subject.stored("a");
    assertEquals([status, attempts, error, isLeased], ["pending", 0, undefined, false]);
    assertEquals((await subject.other.claim(ALL)).documents.map(({ attempt }) => attempt), [1, 1]);
  }),
  it("keeps the suspicion, and takes the mark back that the handler ran alone", async (subject) => {
    await subject.insert(suspect("a", { alone: 1 }));
    const document = await claimSuspect(subject.store);
    await subject.store.markRunningAlone(document);
    await subject.store.release([document]);
    const { alone, takeovers } = await subject.stored("a");
    assertEquals([alone, takeovers], [1, 2]);
    assertEquals((await claimSuspect(subject.other)).suspect, { expiriesAlone: 1 });
  }),
  ...carriesCheckpoints(settleRelease),
  ...fenced(settleRelease),
  lossy("release", settleRelease),
];

export const SNOOZE: Cases = [
  it("sets documents back to pending with their attempt, due after their wait, and counts it", async (subject) => {
    const [now, later] = await claimed(subject, "a", "b");
    const snoozes = [{ document: now!, snoozeMs: 0 }, { document: later!, snoozeMs: 3_600_000 }];
    assertEquals(told(await subject.store.snooze(snoozes)), { matched: 2, missed: [] });
    const { attempts, error, isLeased, snoozes: count, status } = await subject.stored("b");
    assertEquals([status, attempts, count, error, isLeased], ["pending", 0, 1, undefined, false]);
    const again = await claimOne(subject.other);
    assertEquals([again.id, again.attempt], ["a", 1]);
  }),
  it("leaves the documents of a claim alone that all wait equally long", async (subject) => {
    await settleSnooze(subject.store, await claimed(subject, "a", "b", "c"));
    assertEquals((await subject.other.claim(ALL)).documents, []);
    const stored = await Promise.all(["a", "b", "c"].map((id) => subject.stored(id)));
    assertEquals(stored.map(({ attempts, snoozes }) => [attempts, snoozes]), Array(3).fill([0, 1]));
  }),
  it("keeps the suspicion, and takes the mark back that the handler ran alone", async (subject) => {
    await subject.insert(suspect("a", { alone: 1 }));
    const document = await claimSuspect(subject.store);
    await subject.store.markRunningAlone(document);
    await subject.store.snooze([{ document, snoozeMs: 0 }]);
    const { alone, takeovers } = await subject.stored("a");
    assertEquals([alone, takeovers], [1, 2]);
    assertEquals((await claimSuspect(subject.other)).suspect, { expiriesAlone: 1 });
  }),
  ...carriesCheckpoints(settleSnooze),
  ...fenced(settleSnooze),
  lossy("snooze", settleSnooze),
];

export const DEAD_LETTER: Cases = [
  it("marks the document failed and writes a letter, both with the error", async (subject) => {
    const [document] = await claimed(subject, "a");
    assertEquals(await subject.store.deadLetter(document!, "it is bad"), 1);
    const { attempts, error, isLeased, status } = await subject.stored("a");
    assertEquals([status, attempts, error, isLeased], ["failed", 1, "it is bad", false]);
    assertEquals(await subject.letter("a"), "it is bad");
  }),
  it("returns 0 and writes nothing if the lease is lost", async (subject) => {
    const [document] = await claimed(subject, "a");
    await takeOver(subject, "a");
    const before = await subject.stored("a");
    assertEquals(await subject.store.deadLetter(document!, "it is bad"), 0);
    assertEquals([await subject.stored("a"), await subject.letter("a")], [before, undefined]);
  }),
  it("changes neither document nor letter if it is sent again", async (subject) => {
    const [document] = await claimed(subject, "a");
    await subject.store.deadLetter(document!, "it is bad");
    assertEquals(await subject.store.deadLetter(document!, "it is worse"), 0);
    assertEquals((await subject.stored("a")).error, "it is bad");
    assertEquals(await subject.letter("a"), "it is bad");
  }),
  it("lets a verdict stand that an earlier holder has written", async (subject) => {
    await subject.insert({ ...suspect("a"), verdict: "it is bad" });
    assertEquals(await subject.store.deadLetter(await claimOne(subject.store), "it is worse"), 1);
    const { error, status } = await subject.stored("a");
    assertEquals([status, error], ["failed", "it is bad"]);
    assert(await subject.letter("a"));
  }),
  ...DEAD_LETTER_CHECKPOINTS,
  it("throws if the database refuses it, and leaves the lease", async (subject) => {
    const [document] = await claimed(subject, "a");
    await subject.refuse("a");
    await assertRejects(() => subject.store.deadLetter(document!, "it is bad"));
    const { isLeased, status } = await subject.stored("a");
    assertEquals([status, isLeased], ["processing", true]);
  }),
];

export const FINISH_VERDICT: Cases = [
  it("marks the document failed and writes the letter, with the verdict's reason", async (subject) => {
    await subject.insert({ ...suspect("a"), verdict: "it is bad" });
    const document = await claimOne(subject.store);
    assertEquals(await subject.store.finishVerdict(document), 1);
    const { error, isLeased, status } = await subject.stored("a");
    assertEquals([status, error, isLeased], ["failed", "it is bad", false]);
    assertEquals(await subject.letter("a"), "it is bad");
  }),
  it("returns 0 and writes nothing if the lease is lost, or if there is no verdict", async (subject) => {
    await subject.insert({ ...suspect("a"), verdict: "it is bad" });
    const document = await claimOne(subject.store);
    await takeOver(subject, "a");
    assertEquals(await subject.store.finishVerdict(document), 0);
    await subject.insert(...fresh("b"));
    assertEquals(await subject.store.finishVerdict(await claimOne(subject.store)), 0);
    assertEquals([await subject.letter("a"), await subject.letter("b")], [undefined, undefined]);
  }),
];
