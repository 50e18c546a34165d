import { assert, assertEquals, assertFalse, assertNotEquals, assertRejects } from "@std/assert";
import { ALL, type Cases, claimed, claimOne, claimSuspect, fresh, idsOf, it, suspect } from "./cases.ts";
import { MAX_ATTEMPTS } from "./subject.ts";

export const CLAIM: Cases = [
  it("takes as many documents as the limit says, and hasMore tells of the rest", async (subject) => {
    await subject.insert(...fresh("a", "b", "c", "d", "e"));
    const first = await subject.store.claim({ ...ALL, documents: 3 });
    assertEquals([first.documents.length, first.hasMore], [3, true]);
    const second = await subject.store.claim(ALL);
    assertEquals([second.documents.length, second.hasMore], [2, false]);
    assertEquals(idsOf([...first.documents, ...second.documents]), ["a", "b", "c", "d", "e"]);
    const third = await subject.store.claim(ALL);
    assertEquals([third.documents, third.hasMore, third.takeovers], [[], false, 0]);
    assertEquals([third.refused, third.heldUp], [[], undefined]);
  }),
  it("takes as many documents as fit into the bytes, and one that is larger than all of them", async (subject) => {
    await subject.insert(...fresh("a", "b", "c", "d"));
    const first = await subject.store.claim({ ...ALL, documents: 1 });
    const size = first.documents[0]!.sizeBytes;
    const second = await subject.store.claim({ ...ALL, bytes: 2.5 * size });
    assertEquals([second.documents.length, second.hasMore], [2, true]);
    const last = await subject.store.claim({ ...ALL, bytes: 1 });
    assertEquals(idsOf(last), ["d"]);
  }),
  it("leases what it takes", async (subject) => {
    await claimed(subject, "a");
    const { attempts, isLeased, status, takeovers } = await subject.stored("a");
    assertEquals([status, isLeased, attempts, takeovers], ["processing", true, 1, 0]);
    assertEquals((await subject.other.claim(ALL)).documents, []);
  }),
  it("takes of the documents that are due those first that are due longest", async (subject) => {
    await subject.insert(
      { id: "a", dueInMs: -100 },
      { id: "b", dueInMs: -300 },
      { id: "c", dueInMs: -200 },
    );
    const order: unknown[] = [];
    for (let each = 0; each < 3; each++) {
      order.push(...idsOf(await subject.store.claim({ ...ALL, documents: 1 })));
    }
    assertEquals(order, ["b", "c", "a"]);
  }),
  it("takes new documents in the order of their ids", async (subject) => {
    await subject.insert(...fresh("b", "d", "a", "c"));
    const order: unknown[] = [];
    for (let each = 0; each < 4; each++) {
      order.push(...idsOf(await subject.store.claim({ ...ALL, documents: 1 })));
    }
    assertEquals(order, ["a", "b", "c", "d"]);
  }),
  it("takes at random another document than the first, a new one before others, and the first if it is the only one", async (subject) => {
    const random = { ...ALL, documents: 1, atRandom: true } as const;
    await subject.insert({ id: "a", dueInMs: -300 }, ...fresh("b", "c", "d", "e"));
    const order: unknown[] = [];
    for (let each = 0; each < 5; each++) order.push(...idsOf(await subject.store.claim(random)));
    assert(["c", "d", "e"].includes(String(order[0])), String(order));
    assertEquals([order.at(-1), order.toSorted()], ["a", ["a", "b", "c", "d", "e"]]);
    assertEquals((await subject.store.claim(random)).documents, []);
  }),
  it("leaves documents alone that are scheduled for later, or done", async (subject) => {
    const [done, dead] = await claimed(subject, "a", "b");
    await subject.store.ack([{ document: done! }]);
    await subject.store.deadLetter(dead!, "no");
    await subject.insert({ id: "c", dueInMs: 3_600_000 });
    const { documents, hasMore, hasSuspects } = await subject.store.claim(ALL);
    assertEquals([documents, hasMore, hasSuspects], [[], false, false]);
  }),
  it("gives each document to one of the agents that claim at once", async (subject) => {
    const ids = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, "0"));
    await subject.insert(...fresh(...ids));
    const taken = await Promise.all([subject.store, subject.other].map(async (store) => {
      const found: unknown[] = [];
      for (;;) {
        const { documents, hasMore } = await store.claim({ ...ALL, documents: 7 });
        found.push(...idsOf(documents));
        if (!hasMore) return found;
      }
    }));
    assertEquals(taken.flat().sort(), ids);
  }),
  it("takes a lease over when it has expired, and not before; it inherits the attempt", async (subject) => {
    const [first] = await claimed(subject, "a");
    await subject.expireLease("a");
    const { documents: [second], takeovers } = await subject.other.claim(ALL);
    assertEquals([second!.id, second!.attempt, takeovers], ["a", 1, 1]);
    assertNotEquals(second!.token, first!.token);
    const { attempts, takeovers: stored } = await subject.stored("a");
    assertEquals([attempts, stored], [1, 1]);
  }),
  it("counts an attempt for each retry", async (subject) => {
    for (let attempt = 1; attempt <= 3; attempt++) {
      if (attempt === 1) await subject.insert(...fresh("a"));
      const document = await claimOne(subject.store);
      assertEquals(document.attempt, attempt);
      await subject.store.nack([{ document, error: "it broke", delayMs: 0 }]);
    }
  }),
  it("takes no suspect, and tells that there are some", async (subject) => {
    await subject.insert(suspect("a"), ...fresh("b"));
    const { documents, hasSuspects } = await subject.store.claim(ALL);
    assertEquals([idsOf(documents), hasSuspects], [["b"], true]);
  }),
  it("takes a document whose lease expired twice while it was alone, with the reason why it is a dead letter", async (subject) => {
    await subject.insert(suspect("a", { alone: 2, takeovers: 3 }));
    const document = await claimOne(subject.store);
    assert(document.deadLetterReason);
    assertEquals(document.suspect, undefined);
  }),
  it("takes a document over that has a verdict, however often its lease expired", async (subject) => {
    await subject.insert({ ...suspect("a", { takeovers: 5 }), verdict: "it is bad" });
    assertEquals((await claimOne(subject.store)).verdict?.reason, "it is bad");
  }),
  it("finds what an earlier claim took whose answer was lost, before anything else", async (subject) => {
    await subject.insert(...fresh("a", "b"));
    subject.loseAnswer("claim");
    const error = await assertRejects(() => subject.store.claim(ALL));
    assert(subject.store.isTransient(error));
    await subject.insert(...fresh("c"));
    const found: unknown[] = [];
    for (let hasMore = true; hasMore;) {
      const claim = await subject.store.claim(ALL);
      if (found.length === 0) assert(idsOf(claim).includes("a"));
      found.push(...idsOf(claim));
      hasMore = claim.hasMore;
    }
    assertEquals(found.sort(), ["a", "b", "c"]);
    assertEquals((await subject.stored("a")).attempts, 1);
  }),
];

export const CLAIM_SUSPECT: Cases = [
  it("claims one suspect and nothing else; nothing if there is none", async (subject) => {
    await subject.insert(suspect("a"), suspect("b"), ...fresh("c"));
    const first = await subject.store.claimSuspect();
    assertEquals([first.documents.length, first.takeovers], [1, 1]);
    const second = await subject.store.claimSuspect();
    assertEquals(idsOf([...first.documents, ...second.documents]), ["a", "b"]);
    assertEquals((await subject.store.claimSuspect()).documents, []);
    assertFalse((await subject.store.claim(ALL)).hasSuspects);
  }),
  it("counts the takeover, and no attempt for a lease that expired in company", async (subject) => {
    await subject.insert(suspect("a", { attempts: 2 }));
    const { attempt, suspect: known, wasTakenOver } = await claimSuspect(subject.store);
    assertEquals([attempt, known, wasTakenOver], [2, { expiriesAlone: 0 }, true]);
    const { attempts, takeovers } = await subject.stored("a");
    assertEquals([attempts, takeovers], [2, 2]);
  }),
  it("counts an attempt for a lease that expired while the document was alone, up to MAX_ATTEMPTS", async (subject) => {
    await subject.insert(suspect("a", { alone: 1, attempts: 1 }));
    const { attempt, suspect: known } = await claimSuspect(subject.store);
    assertEquals([attempt, known], [2, { expiriesAlone: 1 }]);
    await subject.insert(suspect("b", { alone: 1, attempts: MAX_ATTEMPTS }));
    assertEquals((await claimSuspect(subject.store)).attempt, MAX_ATTEMPTS);
  }),
  it("claims a suspect again that was released, with an attempt", async (subject) => {
    await subject.insert(suspect("a", { attempts: 3 }));
    await subject.store.release([await claimSuspect(subject.store)]);
    assertEquals((await subject.store.claim(ALL)).documents, []);
    assertEquals((await claimSuspect(subject.other)).attempt, 3);
  }),
  it("takes a suspect back that a claim took whose answer was lost, as it may not run in company", async (subject) => {
    await subject.insert(suspect("a"));
    subject.loseAnswer("claimSuspect");
    const error = await assertRejects(() => subject.store.claimSuspect());
    assert(subject.store.isTransient(error));
    assertEquals(await subject.store.recover(), []);
    const { isLeased, status } = await subject.stored("a");
    assertEquals([status, isLeased], ["pending", false]);
    assertEquals((await claimSuspect(subject.other)).id, "a");
  }),
];

export const RECOVER: Cases = [
  it("returns what a claim took whose answer was lost, once", async (subject) => {
    await subject.insert(...fresh("a", "b"));
    subject.loseAnswer("claim");
    await assertRejects(() => subject.store.claim(ALL));
    const recovered = await subject.store.recover();
    assertEquals(idsOf(recovered), ["a", "b"]);
    assertEquals(await subject.store.recover(), []);
    const { matched } = await subject.store.release(recovered);
    assertEquals(matched, 2);
  }),
  it("returns nothing of claims that were answered", async (subject) => {
    await claimed(subject, "a");
    assertEquals(await subject.store.recover(), []);
  }),
];

export const EXCLUDE: Cases = [
  it("keeps a document from this agent's claims, and not from those of others", async (subject) => {
    const [document] = await claimed(subject, "a");
    await subject.store.release([document!]);
    subject.store.exclude(document!, new Error("a validator"));
    await subject.insert(...fresh("b"));
    assertEquals(idsOf(await subject.store.claim(ALL)), ["b"]);
    assertEquals(idsOf(await subject.other.claim(ALL)), ["a"]);
  }),
  it("keeps a suspect from this agent's claims, too", async (subject) => {
    await subject.insert(suspect("a"));
    const document = await claimSuspect(subject.store);
    await subject.store.release([document]);
    subject.store.exclude(document, new Error("a validator"));
    assertEquals((await subject.store.claimSuspect()).documents, []);
  }),
];

export const LEFT_ALONE: Cases = [
  it("names a document that waits and was excluded, and why", async (subject) => {
    const [document] = await claimed(subject, "a");
    const reason = new Error("a validator");
    subject.store.exclude(document!, reason);
    assertEquals(await subject.store.leftAlone("last"), [], "what is leased does not wait");
    await subject.store.release([document!]);
    assertEquals(await subject.store.leftAlone("last"), [
      { documents: 1, isMore: false, example: "a", reason },
    ]);
  }),
  it("looks no second time within a moment, unless it is the last", async (subject) => {
    assertEquals(await subject.store.leftAlone("idle"), []);
    assertEquals(await subject.store.leftAlone("idle"), undefined);
    assertEquals(await subject.store.leftAlone("last"), []);
  }),
];
