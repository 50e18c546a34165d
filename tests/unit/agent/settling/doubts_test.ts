import { assertEquals } from "@std/assert";
import { Doubts } from "../../../../agent/settling/doubts.ts";
import type { Held } from "../../../../agent/leases/ledger.ts";
import { settled } from "../../../support/manual_clock.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

const ACK = { kind: "ack" } as const;

Deno.test("Doubts find a document at fault after five refusals with other writes accepted between", () => {
  const doubts = new Doubts<object>(() => 0.5);
  const write = {};
  const told = Array.from({ length: 5 }, () => {
    doubts.accepted("ack", 1);
    return doubts.convict("ack", write, true);
  });
  assertEquals(told, [false, false, false, false, true]);
});

Deno.test("Doubts never find a document at fault if no other write of the kind is accepted", () => {
  const doubts = new Doubts<object>(() => 0.5);
  const write = {};
  for (let times = 0; times < 100; times++) {
    doubts.accepted("nack", 1);
    assertEquals(doubts.convict("ack", write, true), false);
  }
  doubts.accepted("ack", 1);
  assertEquals(doubts.convict("ack", write, false), false);
});

Deno.test("Settler writes an outcome again that is refused for an unknown reason, for as long as no other is written", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.doubt(held.document.id, "ack");
  setup.settler.settle(held, ACK);
  await setup.clock.advance(60_000);
  assertEquals([setup.recorder.of("settle_rejected"), setup.ledger.counts.doubted], [[], 1]);
  setup.store.doubt(held.document.id);
  await setup.clock.advance(5000);
  assertEquals([setup.store.statuses, setup.ledger.counts.documents], [{ processed: 1 }, 0]);
});

Deno.test("Settler finds the one document at fault whose neighbours are written, and keeps none of them waiting", async () => {
  const setup = new SettlerSetup();
  const [bad, ...others] = await setup.claim(8) as [Held, ...Held[]];
  setup.store.doubt(bad.document.id, "ack");
  setup.settler.settle(bad, ACK);
  for (const each of others.slice(0, 2)) setup.settler.settle(each, ACK);
  await setup.clock.advance(10);
  assertEquals(setup.store.statuses, { processing: 6, processed: 2 });
  for (const each of others.slice(2)) {
    await setup.clock.advance(3500);
    setup.settler.settle(each, ACK);
    await setup.clock.advance(10);
    assertEquals(setup.ledger.has(each), false);
  }
  await setup.clock.advance(3500);
  assertEquals(setup.recorder.of("settle_rejected").map(({ id, next }) => [id, next]), [[
    bad.document.id,
    "nack",
  ]]);
});

Deno.test("Settler.stop() gives up outcomes that wait for another try", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.doubt(held.document.id, "ack");
  setup.settler.settle(held, ACK);
  await settled();
  await setup.clock.advance(1000);
  setup.settler.stop();
  const calls = setup.store.callsOf("ack").length;
  await setup.clock.advance(60_000);
  assertEquals(setup.store.callsOf("ack").length, calls);
});
