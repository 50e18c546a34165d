import { assertEquals, assertMatch } from "@std/assert";
import type { Held } from "../../../../agent/leases/ledger.ts";
import { settled } from "../../../support/manual_clock.ts";
import { safe } from "../../../support/safe_text.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

const ACK = { kind: "ack" } as const;
const RELEASE = { kind: "release" } as const;
const NACK = { kind: "nack", error: safe("it broke"), delayMs: 700 } as const;

Deno.test("Settler counts an ack that the database refuses as a failed attempt, whose error says so", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  s.store.reject(held.document.id, "ack");
  s.settler.settle(held, ACK);
  await settled();
  const [nacked] = s.recorder.of("retried");
  assertMatch(nacked!.error, /^MongoDB refused to mark the document processed \(Document failed validation/);
  assertEquals(s.recorder.of("settle_rejected").map(({ kind, next }) => [kind, next]), [["ack", "nack"]]);
  assertEquals(s.store.statuses, { pending: 1 });
});

Deno.test("Settler writes a refused failure without its error, then as a dead letter that names both errors", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  s.store.reject(held.document.id, "nack");
  s.settler.settle(held, NACK);
  await settled();
  assertEquals(s.recorder.of("settle_rejected").map(({ kind, failure, next }) => [kind, failure, next]), [
    ["nack", safe("it broke"), "nack_without_error"],
    ["nack", safe("it broke"), "dead_letter"],
  ]);
  const [dead] = s.recorder.of("dead_lettered");
  assertMatch(
    dead!.error,
    /^it broke \(and MongoDB refused to set the document back to pending \(Document failed/,
  );
  assertEquals(s.store.statuses, { failed: 1 });
});

Deno.test("Settler tells once of a document on which nothing can be written, leaves it alone, and remembers it", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  const { document } = held;
  s.store.reject(document.id, "ack", "nack", "deadLetter");
  s.settler.settle(held, { kind: "ack", set: { n: 1 } });
  await s.clock.advance(10_000);
  const told = [["ack", "nack"], ["nack", "nack_without_error"], ["nack", "dead_letter"], [
    "dead_letter",
    "nothing",
  ]];
  assertEquals(s.recorder.of("settle_rejected").map(({ kind, next }) => [kind, next]), told);
  assertEquals([s.ledger.counts.documents, s.store.statuses], [0, { processing: 1 }]);
  assertEquals(s.store.passedOver, [document.id]);
  const takenOver = { ...document, wasTakenOver: true };
  const error = s.refusedOutcomes.errorOf(takenOver);
  assertMatch(String(error), /^The result cannot be written: Document failed validation/);

  const again = s.ledger.add(document);
  s.settler.settle(again, { kind: "dead_letter", error: error! });
  await settled();
  assertEquals(s.recorder.of("settle_rejected").length, told.length, "it is told of once");
  assertEquals(s.store.passedOver, [document.id, document.id]);
  s.store.reject(document.id);
  s.settler.settle(s.ledger.add(document), { kind: "dead_letter", error: error! });
  await settled();
  assertEquals([s.refusedOutcomes.errorOf(takenOver), s.store.statuses], [undefined, { failed: 1 }]);
});

Deno.test("Settler lets the lease of a document run out that it cannot hand back", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  s.store.reject(held.document.id, "release");
  s.settler.settle(held, RELEASE);
  await settled();
  assertEquals(s.recorder.of("settle_rejected").map(({ kind, next }) => [kind, next]), [[
    "release",
    "nothing",
  ]]);
  assertEquals([s.ledger.counts.documents, s.store.passedOver], [0, []]);
});
