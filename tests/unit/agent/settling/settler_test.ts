import { assert, assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { UnansweredWritesError } from "../../../../agent/partial_writes.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { safe } from "../../../support/safe_text.ts";
import type { Held } from "../../../../agent/leases/ledger.ts";
import { settled } from "../../../support/manual_clock.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

const ACK = { kind: "ack" } as const;
const RELEASE = { kind: "release" } as const;
const NACK = { kind: "nack", error: safe("it broke"), delayMs: 700 } as const;
const DEAD = { kind: "dead_letter", error: safe("no") } as const;

Deno.test("Settler gathers acks for 5 ms while others of their claim are running", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(4);
  setup.settler.settle(all[0]!, ACK);
  await setup.clock.advance(2);
  setup.settler.settle(all[1]!, ACK);
  await setup.clock.advance(2);
  assertEquals(setup.store.callsOf("ack"), []);
  await setup.clock.advance(1);
  assertEquals(setup.store.callsOf("ack"), [setup.ids(all.slice(0, 2))]);
  assertEquals(setup.recorder.of("processed"), [{ type: "processed", documents: 2 }]);
  assertEquals(setup.ledger.counts.documents, 2);
});

Deno.test("Settler writes at once when the last document of a claim is done", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(3);
  for (const held of all) setup.settler.settle(held, ACK);
  await settled();
  assertEquals(setup.store.callsOf("ack"), [setup.ids(all)]);
  assertEquals(setup.ledger.counts.documents, 0);
  assertEquals(setup.clock.pending, 0);
});

Deno.test("Settler writes each outcome, and counts them", async () => {
  const setup = new SettlerSetup();
  const [a, b, c, d] = await setup.claim(4) as [Held, Held, Held, Held];
  setup.settler.settle(a, { kind: "ack", set: { total: 3 } });
  setup.settler.settle(b, NACK);
  setup.settler.settle(c, RELEASE);
  setup.settler.settle(d, DEAD);
  await settled();
  const state = (held: Held) => setup.store.documents.get(held.document.id)!;
  assertEquals([state(a).status, state(a).fields], ["processed", { total: 3 }]);
  assertEquals([state(b).status, state(b).error, state(b).visibleAtMs], ["pending", "it broke", 1700]);
  assertEquals([state(c).status, state(c).attempts], ["pending", 0]);
  assertEquals([state(d).status, state(d).error], ["failed", "no"]);
  assertEquals(setup.recorder.of("processed").length, 1);
  const common = { attempt: 1 };
  assertEquals(setup.recorder.of("retried"), [
    { type: "retried", id: b.document.id, ...common, error: "it broke", delayMs: 700 },
  ]);
  assertEquals(setup.recorder.of("released"), [{ type: "released", documents: 1, aborted: 0 }]);
  assertEquals(setup.recorder.of("dead_lettered"), [
    { type: "dead_lettered", id: d.document.id, ...common, error: "no" },
  ]);
});

Deno.test("Settler tells how many of the released documents had been in a handler", async () => {
  const setup = new SettlerSetup();
  const [a, b, c] = await setup.claim(3) as [Held, Held, Held];
  setup.settler.settle(a, RELEASE);
  setup.settler.settle(b, { kind: "release", wasAborted: true });
  setup.settler.settle(c, { kind: "release", wasAborted: true });
  await settled();
  assertEquals(setup.recorder.of("released"), [{ type: "released", documents: 3, aborted: 2 }]);
});

Deno.test("Settler notes that documents were released, as a Job must look for them again", async () => {
  const setup = new SettlerSetup();
  const [released, lost] = await setup.claim(2) as [Held, Held];
  setup.settler.settle(released, { kind: "release" });
  await setup.clock.advance(10);
  assertEquals(setup.releases, 1);
  setup.store.steal(lost.document.id);
  setup.settler.settle(lost, { kind: "release" });
  await settled();
  assertEquals(setup.releases, 1, "what another agent has is its work");
});

Deno.test("Settler names the documents whose lease is lost if a first write misses them", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(3);
  const lost = all[1]!.document.id;
  setup.store.steal(lost);
  for (const held of all) setup.settler.settle(held, ACK);
  await settled();
  assertEquals(setup.recorder.of("lease_lost"), [{
    type: "lease_lost",
    documents: 1,
    ids: [lost],
    during: "ack",
  }]);
  assertEquals(setup.recorder.of("processed"), [{ type: "processed", documents: 2 }]);
  assertEquals(setup.recorder.of("unconfirmed"), []);
  assertEquals(setup.ledger.counts.documents, 0);
});

/** Three nacks, each with a delay of its own; the first document is another agent's by then. */
async function nackThree(setup: SettlerSetup): Promise<unknown[]> {
  const all = await setup.claim(3);
  setup.store.steal(all[0]!.document.id);
  for (const [position, held] of all.entries()) {
    setup.settler.settle(held, { ...NACK, delayMs: 100 + position });
  }
  await settled();
  return setup.ids(all);
}

Deno.test("Settler reports a retry for the documents that are set back, and for no other", async () => {
  const setup = new SettlerSetup();
  const ids = await nackThree(setup);
  assertEquals(setup.recorder.of("retried").map(({ id, delayMs }) => [id, delayMs]), [[ids[1], 101], [
    ids[2],
    102,
  ]]);
  assertEquals(setup.recorder.of("lease_lost").map((each) => [each.documents, each.ids]), [[1, [ids[0]]]]);
  assertEquals(setup.delays, [101, 102]);
});

Deno.test("Settler names no document as retried or lost if it is not known which, and looks again for each", async () => {
  const setup = new SettlerSetup();
  setup.store.forgetsWhich = true;
  const ids = await nackThree(setup);
  assertEquals(setup.recorder.of("retried"), []);
  assertEquals(setup.recorder.of("lease_lost").map((each) => [each.documents, each.ids]), [[1, ids]]);
  assertEquals(setup.recorder.of("retried_among").map((each) => [each.documents, each.ids]), [[2, ids]]);
  assertEquals(setup.delays, [100, 101, 102]);
});

Deno.test("Settler looks again for documents that were most likely set back, though the answer is lost", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(2);
  setup.store.fail("nack", new TransientError("connection reset"), { applied: true });
  for (const held of all) setup.settler.settle(held, NACK);
  await setup.clock.advance(5000);
  assertEquals(setup.recorder.of("unconfirmed").map((each) => [each.documents, each.ids]), [[
    2,
    setup.ids(all),
  ]]);
  assertEquals(setup.delays, [700, 700]);
});

Deno.test("Settler counts the aborted among the released documents alone", async () => {
  const setup = new SettlerSetup();
  const [a, b, c] = await setup.claim(3) as [Held, Held, Held];
  setup.store.steal(a.document.id);
  setup.settler.settle(a, { kind: "release", wasAborted: true });
  setup.settler.settle(b, RELEASE);
  setup.settler.settle(c, RELEASE);
  await settled();
  assertEquals(setup.recorder.of("released"), [{ type: "released", documents: 2, aborted: 0 }]);
});

Deno.test("Settler counts what was written beside a write without an answer, and sends again only that one", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(3);
  const ids = setup.ids(all);
  const others = { matched: 1, missed: [] };
  setup.store.fail("ack", new UnansweredWritesError(new Set([0, 2]), others, new TransientError("cut")));
  for (const held of all) setup.settler.settle(held, ACK);
  await settled();
  assertEquals(setup.recorder.of("processed"), [{ type: "processed", documents: 1 }]);
  const [failed] = setup.recorder.of("settle_failed");
  assertEquals([failed!.documents, String(failed!.error)], [2, "Error: cut"]);
  await setup.clock.advance(failed!.retryInMs);
  assertEquals(setup.store.callsOf("ack"), [ids, [ids[0], ids[2]]]);
  assertEquals(setup.recorder.of("processed").at(-1), { type: "processed", documents: 2 });
});

Deno.test("Settler reports an outcome as unconfirmed if its write matches nothing after one without an answer", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(3);
  setup.store.fail("ack", new TransientError("connection reset"), { applied: true });
  for (const held of all) setup.settler.settle(held, ACK);
  await setup.clock.advance(5000);
  assertEquals(setup.store.statuses, { processed: 3 });
  assertEquals(setup.recorder.of("unconfirmed"), [
    { type: "unconfirmed", documents: 3, ids: setup.ids(all), during: "ack" },
  ]);
  assertEquals(setup.recorder.of("lease_lost"), []);
  assertEquals(setup.ledger.counts.documents, 0);
});

Deno.test("Settler repeats a write through an outage, holding its documents until there is an answer", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(2);
  setup.store.fail("nack", new TransientError("no primary"), { times: 3 });
  for (const held of all) setup.settler.settle(held, NACK);
  await settled();
  for (let failure = 1; failure <= 3; failure++) {
    const failed = setup.recorder.of("settle_failed");
    assertEquals(failed.length, failure);
    assertEquals(failed.at(-1)!.documents, 2);
    assertEquals(setup.ledger.counts.documents, 2);
    await setup.clock.advance(failed.at(-1)!.retryInMs);
  }
  assertEquals(setup.recorder.of("retried").length, 2);
  assertEquals(setup.ledger.counts.documents, 0);
});

Deno.test("Settler marks a document as being written only while a write of it is under way", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  const { go, reached } = setup.store.hold("ack");
  setup.store.fail("ack", new TransientError());
  setup.settler.settle(held, ACK);
  await reached.wait();
  assertEquals(held.isWriting, true);
  go();
  await settled();
  setup.store.fail("ack", new TransientError());
  await setup.clock.advance(300);
  assertEquals(held.isWriting, false, "waits to be written again");
  await setup.clock.advance(10_000);
  assertEquals(setup.store.statuses, { processed: 1 });
});

Deno.test("Settler does not write what has left the ledger meanwhile", async () => {
  const setup = new SettlerSetup();
  const [lost, kept, busy] = await setup.claim(3) as [Held, Held, Held];
  setup.settler.settle(lost, ACK);
  setup.settler.settle(kept, ACK);
  setup.ledger.remove(lost);
  await setup.clock.advance(5);
  assertEquals(setup.store.callsOf("ack"), [[kept.document.id]]);
  setup.settler.settle(busy, RELEASE);
  setup.ledger.remove(busy);
  await setup.clock.advance(5);
  assertEquals(setup.store.callsOf("release"), [[busy.document.id]]);
});

Deno.test("Settler makes a failure of a result that the database refuses, and acks its neighbours", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(4);
  const bad = all[2]!.document.id;
  setup.store.reject(bad, "ack");
  for (const held of all) setup.settler.settle(held, { kind: "ack", set: { n: 1 } });
  await settled();
  assertEquals(setup.store.statuses, { processed: 3, pending: 1 });
  assertEquals(setup.recorder.of("settle_rejected").map(({ id, kind }) => ({ id, kind })), [{
    id: bad,
    kind: "ack",
  }]);
  const [nacked] = setup.recorder.of("retried");
  assertEquals(nacked?.id, bad);
  assertMatch(nacked!.error, /^The result cannot be written: Document failed validation/);
  assertEquals(nacked!.delayMs, 500);
});

Deno.test("Settler keeps at most two writes of a kind under way, and the rest in the ledger", async () => {
  const setup = new SettlerSetup();
  const all = await setup.claim(40);
  const held = Array.from({ length: 4 }, () => setup.store.hold("ack"));
  for (const each of all) {
    setup.settler.settle(each, ACK);
    await setup.clock.advance(5);
  }
  assertEquals(setup.store.callsOf("ack").length, 2);
  assertEquals(setup.ledger.counts.documents, 40, "they count against what may be claimed");
  for (const { go } of held) go();
  await settled();
  assertEquals(setup.store.peak.ack, 2);
  assertEquals(setup.ledger.counts.documents, 0);
  assertLessOrEqual(setup.store.callsOf("ack").length, 4);
});

Deno.test("Settler.flush() writes all waiting outcomes", async () => {
  const setup = new SettlerSetup();
  const [a, b, c] = await setup.claim(3) as [Held, Held, Held];
  setup.settler.settle(a, ACK);
  setup.settler.settle(b, RELEASE);
  setup.settler.flush();
  await settled();
  assertEquals(setup.store.statuses, { processed: 1, pending: 1, processing: 1 });
  assert(setup.ledger.has(c));
});

Deno.test("Settler.stop() gives up what could not be written", async () => {
  const setup = new SettlerSetup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.fail("release", new TransientError(), { times: 100 });
  setup.settler.settle(held, RELEASE);
  await setup.clock.advance(1000);
  setup.settler.stop();
  const calls = setup.store.calls.length;
  await setup.clock.advance(60_000);
  assertEquals(setup.store.calls.length, calls);
  assertEquals(setup.clock.pending, 0);
  assert(setup.ledger.has(held));
});
