import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { afterRefusal, type Outcome } from "../../../../agent/settling/outcome.ts";
import { RefusedOutcomes } from "../../../../agent/settling/refused_outcome.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { safe } from "../../../support/safe_text.ts";

const POLICY = {
  maxAttempts: 3,
  maxSnoozeMs: 60_000,
  retryBackoffMs: 1000,
  retryBackoffMaxMs: 1000,
  random: () => 0.5,
};
const REFUSED = new Error("Document failed validation");

/** Every outcome that follows an outcome, each refused by the database. */
function chain(first: Outcome, attempt: number): Outcome[] {
  const all: Outcome[] = [];
  for (let next: Outcome | undefined = first; next; next = afterRefusal(next, REFUSED, attempt, POLICY)) {
    all.push(next);
    if (all.length > 10) throw new Error("there is no end");
  }
  return all;
}

Deno.test("afterRefusal() asks less of the database with each step, and ends", () => {
  const kinds = (first: Outcome, attempt: number) => chain(first, attempt).map(({ kind }) => kind);
  const nack = { kind: "nack", error: safe("it broke"), delayMs: 5 } as const;
  assertEquals(kinds({ kind: "ack" }, 1), ["ack", "nack", "nack", "dead_letter"]);
  assertEquals(kinds({ kind: "ack", set: { a: 1 } }, 3), ["ack", "dead_letter"]);
  assertEquals(kinds(nack, 1), ["nack", "nack", "dead_letter"]);
  assertEquals(kinds({ kind: "release" }, 1), ["release"]);
  assertEquals(kinds({ kind: "dead_letter", error: safe("x") }, 3), ["dead_letter"]);
});

Deno.test("afterRefusal() names both errors in a dead letter, however long they are", () => {
  const last = chain({ kind: "nack", error: safe("b".repeat(1000)), delayMs: 5 }, 1).at(-1)!;
  const { error } = last as { error: string };
  assertMatch(
    error,
    /^b{400,}… \(and MongoDB refused to set the document back to pending \(Document failed validation\)/,
  );
  const spent = chain({ kind: "ack" }, 3).at(-1) as { error: string };
  assertMatch(
    spent.error,
    /^MongoDB refused to mark the document processed \(Document failed validation\): change/,
  );
});

Deno.test("RefusedOutcomes remembers a bounded number of documents, the latest, and each once", () => {
  const refused = new RefusedOutcomes();
  const wasTakenOver = true;
  const [first, second] = [fakeDocument({ id: 0, wasTakenOver }), fakeDocument({ id: 1, wasTakenOver })];
  assertEquals([refused.add(first, safe("a")), refused.add(first, safe("b"))], [true, false]);
  assertEquals([refused.errorOf(first), refused.errorOf(second)], [safe("a"), undefined]);
  for (let id = 1; id <= 10_000; id++) refused.add(fakeDocument({ id }), safe("c"));
  assertEquals(refused.errorOf(first), undefined);
  assertNotEquals(refused.errorOf(second), undefined);
  refused.delete(second);
  assertEquals(refused.errorOf(second), undefined);
});

Deno.test("RefusedOutcomes forgets a document that comes back without a lease that ran out", () => {
  const refused = new RefusedOutcomes();
  refused.add(fakeDocument({ id: 0 }), safe("a"));
  assertEquals(refused.errorOf(fakeDocument({ id: 0, wasTakenOver: true })), safe("a"));
  assertEquals(refused.errorOf(fakeDocument({ id: 0 })), undefined);
  assertEquals(refused.errorOf(fakeDocument({ id: 0, wasTakenOver: true })), undefined);
});

Deno.test("RefusedOutcomes asks no document for its key as long as it remembers none", () => {
  const refused = new RefusedOutcomes();
  let asked = 0;
  const document = Object.defineProperty({ ...fakeDocument({ id: "a" }) }, "idempotencyKey", {
    get: () => `key ${++asked}`,
  });
  refused.delete(document);
  assertEquals([refused.errorOf(document), asked], [undefined, 0]);
});
