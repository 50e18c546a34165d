import { assertEquals, assertMatch } from "@std/assert";
import type { Held } from "../../../../agent/leases/ledger.ts";
import { settled } from "../../../support/manual_clock.ts";
import { safe } from "../../../support/safe_text.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

const ACK = { kind: "ack" } as const;
const RELEASE = { kind: "release" } as const;
const NACK = { kind: "nack", error: safe("it broke"), delayMs: 700 } as const;

Deno.test("Settler counts an ack that the database refuses as a failed attempt, whose error says so", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.reject(held.document.id, "ack");
  setup.settler.settle(held, ACK);
  await settled();
  const [nacked] = setup.recorder.of("retried");
  assertMatch(nacked!.error, /^MongoDB refused to mark the document processed \(Document failed validation/);
  assertEquals(setup.recorder.of("settle_rejected").map(({ kind, next }) => [kind, next]), [["ack", "nack"]]);
  assertEquals(setup.store.statuses, { pending: 1 });
});

Deno.test("Settler writes a refused failure without its error, then as a dead letter that names both errors", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.reject(held.document.id, "nack");
  setup.settler.settle(held, NACK);
  await settled();
  assertEquals(setup.recorder.of("settle_rejected").map(({ kind, failure, next }) => [kind, failure, next]), [
    ["nack", safe("it broke"), "nack_without_error"],
    ["nack", safe("it broke"), "dead_letter"],
  ]);
  const [dead] = setup.recorder.of("dead_lettered");
  assertMatch(
    dead!.error,
    /^it broke \(and MongoDB refused to set the document back to pending \(Document failed/,
  );
  assertEquals(setup.store.statuses, { failed: 1 });
});

Deno.test("Settler reports a document on which nothing can be written once, leaves it alone, and remembers it", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  const { document } = held;
  setup.store.reject(document.id, "ack", "nack", "deadLetter");
  setup.settler.settle(held, { kind: "ack", set: { n: 1 } });
  await setup.clock.advance(10_000);
  const told = [["ack", "nack"], ["nack", "nack_without_error"], ["nack", "dead_letter"], [
    "dead_letter",
    "nothing",
  ]];
  assertEquals(setup.recorder.of("settle_rejected").map(({ kind, next }) => [kind, next]), told);
  assertEquals([setup.ledger.counts.documents, setup.store.statuses], [0, { processing: 1 }]);
  assertEquals(setup.store.passedOver, [document.id]);
  const takenOver = { ...document, wasTakenOver: true };
  const error = setup.refusedOutcomes.errorOf(takenOver);
  assertMatch(String(error), /^The result cannot be written: Document failed validation/);

  const again = setup.ledger.add(document);
  setup.settler.settle(again, { kind: "dead_letter", error: error! });
  await settled();
  assertEquals(setup.recorder.of("settle_rejected").length, told.length, "it is told of once");
  assertEquals(setup.store.passedOver, [document.id, document.id]);
  setup.store.reject(document.id);
  setup.settler.settle(setup.ledger.add(document), { kind: "dead_letter", error: error! });
  await settled();
  assertEquals([setup.refusedOutcomes.errorOf(takenOver), setup.store.statuses], [undefined, { failed: 1 }]);
});

Deno.test("Settler lets a lease run out if it cannot release the document", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.reject(held.document.id, "release");
  setup.settler.settle(held, RELEASE);
  await settled();
  assertEquals(setup.recorder.of("settle_rejected").map(({ kind, next }) => [kind, next]), [[
    "release",
    "nothing",
  ]]);
  assertEquals([setup.ledger.counts.documents, setup.store.passedOver], [0, []]);
});

Deno.test("Settler tells once that a document it had given up is settled after all, and of no other", async () => {
  const s = new SettlerSetup();
  const [held, other] = await s.claim(2) as [Held, Held];
  const { document } = held;
  s.store.reject(document.id, "release");
  s.settler.settle(held, RELEASE);
  s.settler.settle(other, ACK);
  await settled();
  assertEquals(s.recorder.of("settled_at_last"), []);
  s.store.reject(document.id);
  s.settler.settle(s.ledger.add(document), ACK);
  await settled();
  assertEquals(s.recorder.of("settled_at_last"), [{ type: "settled_at_last", id: document.id }]);
  assertEquals(s.store.statuses, { processed: 2 });
});
