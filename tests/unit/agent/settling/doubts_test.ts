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
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  s.store.doubt(held.document.id, "ack");
  s.settler.settle(held, ACK);
  await s.clock.advance(60_000);
  assertEquals([s.recorder.of("settle_rejected"), s.ledger.counts.doubted], [[], 1]);
  s.store.doubt(held.document.id);
  await s.clock.advance(5000);
  assertEquals([s.store.statuses, s.ledger.counts.documents], [{ processed: 1 }, 0]);
});

Deno.test("Settler finds the one document at fault whose neighbours are written, and keeps none of them waiting", async () => {
  const s = new SettlerSetup();
  const [bad, ...others] = await s.claim(8) as [Held, ...Held[]];
  s.store.doubt(bad.document.id, "ack");
  s.settler.settle(bad, ACK);
  for (const each of others.slice(0, 2)) s.settler.settle(each, ACK);
  await s.clock.advance(10);
  assertEquals(s.store.statuses, { processing: 6, processed: 2 });
  for (const each of others.slice(2)) {
    await s.clock.advance(3500);
    s.settler.settle(each, ACK);
    await s.clock.advance(10);
    assertEquals(s.ledger.has(each), false);
  }
  await s.clock.advance(3500);
  assertEquals(s.recorder.of("settle_rejected").map(({ id, next }) => [id, next]), [[
    bad.document.id,
    "nack",
  ]]);
});

Deno.test("Settler.stop() gives up what waits to be written again", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  s.store.doubt(held.document.id, "ack");
  s.settler.settle(held, ACK);
  await settled();
  await s.clock.advance(1000);
  s.settler.stop();
  const calls = s.store.callsOf("ack").length;
  await s.clock.advance(60_000);
  assertEquals(s.store.callsOf("ack").length, calls);
});
