import { assert, assertEquals, assertFalse, assertNotEquals, assertRejects } from "@std/assert";
import { CHECKPOINTS, RENEW_CHECKPOINTS, SAVED } from "./checkpoint_cases.ts";
import type { LeasedDocument } from "../../agent/ports.ts";
import {
  ALL,
  type Cases,
  claimed,
  claimOne,
  claimSuspect,
  fresh,
  idsOf,
  it,
  suspect,
  takeOver,
} from "./cases.ts";

export const RENEW: Cases = [
  it("keeps the lease, tells the document so, and returns nothing", async (subject) => {
    const [document] = await claimed(subject, "a");
    await subject.expireLease("a");
    document!.leaseRenewed(-1);
    assertEquals(await subject.store.renew([document!]), []);
    assert(document!.leasedAtMs > -1);
    assertEquals((await subject.other.claim(ALL)).documents, []);
  }),
  it("returns the documents whose lease is lost, and tells the others only", async (subject) => {
    const [lost, kept] = await claimed(subject, "a", "b");
    await takeOver(subject, "a");
    for (const document of [lost!, kept!]) document.leaseRenewed(-1);
    assertEquals(idsOf(await subject.store.renew([lost!, kept!])), ["a"]);
    assertEquals(lost!.leasedAtMs, -1);
    assert(kept!.leasedAtMs > -1);
  }),
  it("renews a lease whose last renewal was not answered", async (subject) => {
    const [document] = await claimed(subject, "a");
    subject.loseAnswer("renew");
    const error = await assertRejects(() => subject.store.renew([document!]));
    assert(subject.store.isTransient(error));
    assertEquals(await subject.store.renew([document!]), []);
  }),
  ...RENEW_CHECKPOINTS,
];

export const CANCELED: Cases = [
  it("returns those that an operator has canceled, whose lease is lost", async (subject) => {
    const [lost, kept] = await claimed(subject, "a", "b");
    await subject.cancel("a");
    assertEquals(idsOf(await subject.store.canceled([lost!, kept!])), ["a"]);
    assertEquals(idsOf(await subject.store.renew([lost!, kept!])), ["a"]);
  }),
  it("lets no outcome of the holder undo it", async (subject) => {
    const [document] = await claimed(subject, "a");
    await subject.cancel("a");
    const ack = await subject.store.ack([{ document: document! }]);
    assertEquals([ack.matched, idsOf(ack.missed)], [0, ["a"]]);
    assertEquals((await subject.store.release([document!])).matched, 0);
    const { isLeased, status } = await subject.stored("a");
    assertEquals([status, isLeased], ["canceled", false]);
    assertEquals((await subject.other.claim(ALL)).documents, []);
  }),
];

export const MARK_RUNNING_ALONE: Cases = [
  it("counts a start alone on top of the expiries alone, once however often it is sent", async (subject) => {
    await subject.insert(suspect("a", { alone: 1 }));
    const document = await claimSuspect(subject.store);
    assertEquals(await subject.store.markRunningAlone(document), 1);
    assertEquals(await subject.store.markRunningAlone(document), 1);
    assertEquals((await subject.stored("a")).alone, 2);
  }),
  it("returns 0 and changes nothing if the lease has expired, or is another agent's", async (subject) => {
    await subject.insert(suspect("a"));
    const document = await claimSuspect(subject.store);
    await subject.expireLease("a");
    assertEquals(await subject.store.markRunningAlone(document), 0);
    await claimSuspect(subject.other);
    assertEquals(await subject.store.markRunningAlone(document), 0);
    assertEquals((await subject.stored("a")).alone, 0);
  }),
];

/** What a leased document tells. */
export const LEASED_DOCUMENT: { readonly [Field in keyof LeasedDocument]: Cases } = {
  id: [it("is the document's _id", async (subject) => {
    assertEquals((await claimed(subject, "a", "b")).map(({ id }) => id), ["a", "b"]);
  })],
  idempotencyKey: [
    it("is the same in each attempt, and another one for another document", async (subject) => {
      const [a, b] = await claimed(subject, "a", "b");
      assertNotEquals(a!.idempotencyKey, b!.idempotencyKey);
      assertEquals((await takeOver(subject, "a")).idempotencyKey, a!.idempotencyKey);
    }),
  ],
  token: [it("is the same for all documents of a claim, and another one for each claim", async (subject) => {
    const [a, b] = await claimed(subject, "a", "b");
    assertEquals(a!.token, b!.token);
    assertNotEquals((await claimed(subject, "c"))[0]!.token, a!.token);
  })],
  attempt: [it("is the number of the run", async (subject) => {
    const [first] = await claimed(subject, "a");
    await subject.store.nack([{ document: first!, error: "it broke", delayMs: 0 }]);
    assertEquals([first!.attempt, (await claimOne(subject.store)).attempt], [1, 2]);
  })],
  snoozes: [it("is how often the document was put off", async (subject) => {
    const [first] = await claimed(subject, "a");
    await subject.store.snooze([{ document: first!, snoozeMs: 0 }]);
    const second = await claimOne(subject.store);
    await subject.store.nack([{ document: second, error: "it broke", delayMs: 0 }]);
    assertEquals([first!.snoozes, second.snoozes, (await claimOne(subject.other)).snoozes], [0, 1, 1]);
  })],
  saved: SAVED,
  checkpoints: CHECKPOINTS,
  traceNote: [it("is empty at first, and each document's own", async (subject) => {
    const [a, b] = await claimed(subject, "a", "b");
    const note = {};
    a!.traceNote = note;
    assertEquals([a!.traceNote === note, b!.traceNote], [true, undefined]);
  })],
  sizeBytes: [it("is a number of bytes", async (subject) => {
    assert((await claimed(subject, "a"))[0]!.sizeBytes > 0);
  })],
  leasedAtMs: [it("is no later for what was claimed before", async (subject) => {
    const [[a], [b]] = [await claimed(subject, "a"), await claimed(subject, "b")];
    assert(a!.leasedAtMs <= b!.leasedAtMs);
  })],
  suspect: [it("is set for a suspect alone", async (subject) => {
    await subject.insert(suspect("a"));
    assertEquals((await claimSuspect(subject.store)).suspect, { expiriesAlone: 0 });
    assertEquals((await claimed(subject, "b"))[0]!.suspect, undefined);
  })],
  wasTakenOver: [it("tells of a lease that expired since an outcome was written", async (subject) => {
    const [first] = await claimed(subject, "a");
    assertFalse(first!.wasTakenOver);
    const second = await takeOver(subject, "a");
    assert(second.wasTakenOver);
    await subject.other.nack([{ document: second, error: "it broke", delayMs: 0 }]);
    assertFalse((await claimOne(subject.store)).wasTakenOver);
  })],
  deadLetterReason: [it("is undefined as long as a run may help", async (subject) => {
    await subject.insert(suspect("a", { alone: 1 }), ...fresh("b"));
    assertEquals((await claimSuspect(subject.store)).deadLetterReason, undefined);
    assertEquals((await claimOne(subject.store)).deadLetterReason, undefined);
  })],
  verdict: [it("is what an earlier holder has decided, if it has", async (subject) => {
    await subject.insert({ ...suspect("a"), verdict: "it is bad" });
    const { verdict } = await claimOne(subject.store);
    assertEquals([verdict?.deadAt instanceof Date, verdict?.reason], [true, "it is bad"]);
    assertEquals((await claimed(subject, "b"))[0]!.verdict, undefined);
  })],
  leaseRenewed: [it("moves leasedAtMs", async (subject) => {
    const [document] = await claimed(subject, "a");
    document!.leaseRenewed(12_345);
    assertEquals(document!.leasedAtMs, 12_345);
  })],
  shortText: [it("is the text of a field, if it is text and short enough", async (subject) => {
    const [document] = await claimed(subject, "a");
    assertEquals([document!.shortText("_id", 1), document!.shortText("_id", 0)], ["a", undefined]);
    assertEquals([document!.shortText("missing", 9), document!.shortText("_pull", 999)], [
      undefined,
      undefined,
    ]);
  })],
  read: [it("returns a fresh copy each time, without the agent's bookkeeping", async (subject) => {
    await subject.insert({ id: "a", fields: { list: [1] } });
    const document = await claimOne(subject.store);
    const copy = document.read();
    assertEquals(copy, { _id: "a", status: "processing", list: [1] });
    copy.list.push(2);
    await subject.store.ack([{ document, set: { list: [3] } }]);
    assertEquals(document.read().list, [1], "as it was claimed");
  })],
};
