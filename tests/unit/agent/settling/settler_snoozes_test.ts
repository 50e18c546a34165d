import { assertEquals } from "@std/assert";
import type { Held } from "../../../../agent/leases/ledger.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { settled } from "../../../support/manual_clock.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

Deno.test("Settler writes the snoozes of a claim together, counts them, and looks again when they are due", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(3);
  for (const [position, held] of all.entries()) {
    setup.settler.settle(held, { kind: "snooze", snoozeMs: 9000 + position });
  }
  await settled();
  assertEquals(setup.store.callsOf("snooze"), [setup.ids(all)]);
  const stored = all.map(({ document: { id } }) => setup.store.documents.get(id)!);
  assertEquals(stored.map((each) => [each.status, each.attempts, each.snoozes, each.visibleAtMs]), [
    ["pending", 0, 1, 10_000],
    ["pending", 0, 1, 10_001],
    ["pending", 0, 1, 10_002],
  ]);
  assertEquals(setup.recorder.of("snoozed"), [{ type: "snoozed", documents: 3 }]);
  assertEquals(setup.delays, [9000, 9001, 9002]);
  assertEquals(setup.settler.counts, { finished: 3, released: 0, abandoned: 0 });
});

Deno.test("Settler takes a snooze for done that was most likely written, and looks again when it is due", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.fail("snooze", new TransientError("connection reset"), { applied: true });
  setup.settler.settle(held, { kind: "snooze", snoozeMs: 9000 });
  await setup.clock.advance(5000);
  assertEquals(setup.recorder.of("unconfirmed").map((each) => [each.documents, each.during]), [[
    1,
    "snooze",
  ]]);
  assertEquals([setup.recorder.of("snoozed"), setup.delays], [[], [9000]]);
  const { snoozes, visibleAtMs } = setup.store.documents.get(held.document.id)!;
  assertEquals([snoozes, visibleAtMs], [1, 10_000], "counted once, and due as it was asked for");
});

Deno.test("Settler reports a snooze whose lease is lost, and leaves the document to its new holder", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.steal(held.document.id);
  setup.settler.settle(held, { kind: "snooze", snoozeMs: 9000 });
  await settled();
  const { documents, during, ids } = setup.recorder.of("lease_lost")[0]!;
  assertEquals([documents, during, ids], [1, "snooze", [held.document.id]]);
  assertEquals([setup.delays, setup.ledger.counts.documents], [[], 0]);
});

Deno.test("Settler lets the lease of a document run out whose snooze is refused", async () => {
  const setup = new SettlerSetup();
  const [refused, other] = await setup.claim(2) as [Held, Held];
  setup.store.reject(refused.document.id, "snooze");
  for (const held of [refused, other]) setup.settler.settle(held, { kind: "snooze", snoozeMs: 9000 });
  await settled();
  const { id, kind, next } = setup.recorder.of("settle_rejected")[0]!;
  assertEquals([id, kind, next], [refused.document.id, "snooze", "nothing"]);
  assertEquals(setup.store.statuses, { processing: 1, pending: 1 });
  assertEquals(setup.settler.counts, { finished: 1, released: 0, abandoned: 1 });
});

Deno.test("Settler writes a snooze again that MongoDB refused for a reason which may pass, for as long as it holds the lease", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.doubt(held.document.id, "snooze");
  setup.settler.settle(held, { kind: "snooze", snoozeMs: 9000 });
  await setup.clock.advance(5000);
  assertEquals([setup.recorder.of("snoozed"), setup.ledger.counts.doubted], [[], 1]);
  setup.store.doubt(held.document.id);
  await setup.clock.advance(5000);
  assertEquals(setup.recorder.of("snoozed"), [{ type: "snoozed", documents: 1 }]);
  assertEquals(setup.ledger.counts.documents, 0);
});

Deno.test("Settler reports a snooze of no time as a snooze, and looks again at once", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.settler.settle(held, { kind: "snooze", snoozeMs: 0 });
  await settled();
  assertEquals(setup.recorder.of("snoozed"), [{ type: "snoozed", documents: 1 }]);
  assertEquals([setup.delays, setup.recorder.of("released")], [[0], []]);
});
