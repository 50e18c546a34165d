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
  const s = new SettlerSetup();
  const all = await s.claim(4);
  s.settler.settle(all[0]!, ACK);
  await s.clock.advance(2);
  s.settler.settle(all[1]!, ACK);
  await s.clock.advance(2);
  assertEquals(s.store.callsOf("ack"), []);
  await s.clock.advance(1);
  assertEquals(s.store.callsOf("ack"), [s.ids(all.slice(0, 2))]);
  assertEquals(s.recorder.of("processed"), [{ type: "processed", documents: 2 }]);
  assertEquals(s.ledger.counts.documents, 2);
});

Deno.test("Settler writes at once when the last document of a claim is done", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(3);
  for (const held of all) s.settler.settle(held, ACK);
  await settled();
  assertEquals(s.store.callsOf("ack"), [s.ids(all)]);
  assertEquals(s.ledger.counts.documents, 0);
  assertEquals(s.clock.pending, 0);
});

Deno.test("Settler writes what became of each, and tells how many", async () => {
  const s = new SettlerSetup();
  const [a, b, c, d] = await s.claim(4) as [Held, Held, Held, Held];
  s.settler.settle(a, { kind: "ack", set: { total: 3 } });
  s.settler.settle(b, NACK);
  s.settler.settle(c, RELEASE);
  s.settler.settle(d, DEAD);
  await settled();
  const state = (held: Held) => s.store.documents.get(held.document.id)!;
  assertEquals([state(a).status, state(a).fields], ["processed", { total: 3 }]);
  assertEquals([state(b).status, state(b).error, state(b).visibleAtMs], ["pending", "it broke", 1700]);
  assertEquals([state(c).status, state(c).attempts], ["pending", 0]);
  assertEquals([state(d).status, state(d).error], ["failed", "no"]);
  assertEquals(s.recorder.of("processed").length, 1);
  const common = { attempt: 1 };
  assertEquals(s.recorder.of("retried"), [
    { type: "retried", id: b.document.id, ...common, error: "it broke", delayMs: 700 },
  ]);
  assertEquals(s.recorder.of("released"), [{ type: "released", documents: 1, aborted: 0 }]);
  assertEquals(s.recorder.of("dead_lettered"), [
    { type: "dead_lettered", id: d.document.id, ...common, error: "no" },
  ]);
});

Deno.test("Settler tells how many of the released documents had been in a handler", async () => {
  const s = new SettlerSetup();
  const [a, b, c] = await s.claim(3) as [Held, Held, Held];
  s.settler.settle(a, RELEASE);
  s.settler.settle(b, { kind: "release", wasAborted: true });
  s.settler.settle(c, { kind: "release", wasAborted: true });
  await settled();
  assertEquals(s.recorder.of("released"), [{ type: "released", documents: 3, aborted: 2 }]);
});

Deno.test("Settler notes that documents were released, as a Job must look for them again", async () => {
  const s = new SettlerSetup();
  const [released, lost] = await s.claim(2) as [Held, Held];
  s.settler.settle(released, { kind: "release" });
  await s.clock.advance(10);
  assertEquals(s.releases, 1);
  s.store.steal(lost.document.id);
  s.settler.settle(lost, { kind: "release" });
  await settled();
  assertEquals(s.releases, 1, "what another agent has is its work");
});

Deno.test("Settler names the documents whose lease is lost if a first write misses them", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(3);
  const lost = all[1]!.document.id;
  s.store.steal(lost);
  for (const held of all) s.settler.settle(held, ACK);
  await settled();
  assertEquals(s.recorder.of("lease_lost"), [{
    type: "lease_lost",
    documents: 1,
    ids: [lost],
    during: "ack",
  }]);
  assertEquals(s.recorder.of("processed"), [{ type: "processed", documents: 2 }]);
  assertEquals(s.recorder.of("unconfirmed"), []);
  assertEquals(s.ledger.counts.documents, 0);
});

/** Three nacks, each with a delay of its own; the first document is another agent's by then. */
async function nackThree(s: SettlerSetup): Promise<unknown[]> {
  const all = await s.claim(3);
  s.store.steal(all[0]!.document.id);
  for (const [position, held] of all.entries()) s.settler.settle(held, { ...NACK, delayMs: 100 + position });
  await settled();
  return s.ids(all);
}

Deno.test("Settler tells of a retry for the documents that are set back, and for no other", async () => {
  const s = new SettlerSetup();
  const ids = await nackThree(s);
  assertEquals(s.recorder.of("retried").map(({ id, delayMs }) => [id, delayMs]), [[ids[1], 101], [
    ids[2],
    102,
  ]]);
  assertEquals(s.recorder.of("lease_lost").map((each) => [each.documents, each.ids]), [[1, [ids[0]]]]);
  assertEquals(s.delays, [101, 102]);
});

Deno.test("Settler names no document as retried or lost if it is not known which, and looks again for each", async () => {
  const s = new SettlerSetup();
  s.store.forgetsWhich = true;
  const ids = await nackThree(s);
  assertEquals(s.recorder.of("retried"), []);
  assertEquals(s.recorder.of("lease_lost").map((each) => [each.documents, each.ids]), [[1, ids]]);
  assertEquals(s.recorder.of("retried_among").map((each) => [each.documents, each.ids]), [[2, ids]]);
  assertEquals(s.delays, [100, 101, 102]);
});

Deno.test("Settler looks again for documents that were most likely set back, though the answer is lost", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(2);
  s.store.fail("nack", new TransientError("connection reset"), { applied: true });
  for (const held of all) s.settler.settle(held, NACK);
  await s.clock.advance(5000);
  assertEquals(s.recorder.of("unconfirmed").map((each) => [each.documents, each.ids]), [[2, s.ids(all)]]);
  assertEquals(s.delays, [700, 700]);
});

Deno.test("Settler counts the aborted among the released documents alone", async () => {
  const s = new SettlerSetup();
  const [a, b, c] = await s.claim(3) as [Held, Held, Held];
  s.store.steal(a.document.id);
  s.settler.settle(a, { kind: "release", wasAborted: true });
  s.settler.settle(b, RELEASE);
  s.settler.settle(c, RELEASE);
  await settled();
  assertEquals(s.recorder.of("released"), [{ type: "released", documents: 2, aborted: 0 }]);
});

Deno.test("Settler counts what was written beside a write without an answer, and sends again only that one", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(3);
  const ids = s.ids(all);
  const others = { matched: 1, missed: [] };
  s.store.fail("ack", new UnansweredWritesError(new Set([0, 2]), others, new TransientError("cut")));
  for (const held of all) s.settler.settle(held, ACK);
  await settled();
  assertEquals(s.recorder.of("processed"), [{ type: "processed", documents: 1 }]);
  const [failed] = s.recorder.of("settle_failed");
  assertEquals([failed!.documents, String(failed!.error)], [2, "Error: cut"]);
  await s.clock.advance(failed!.retryInMs);
  assertEquals(s.store.callsOf("ack"), [ids, [ids[0], ids[2]]]);
  assertEquals(s.recorder.of("processed").at(-1), { type: "processed", documents: 2 });
});

Deno.test("Settler calls it unconfirmed where a write matches nothing after one without an answer", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(3);
  s.store.fail("ack", new TransientError("connection reset"), { applied: true });
  for (const held of all) s.settler.settle(held, ACK);
  await s.clock.advance(5000);
  assertEquals(s.store.statuses, { processed: 3 });
  assertEquals(s.recorder.of("unconfirmed"), [
    { type: "unconfirmed", documents: 3, ids: s.ids(all), during: "ack" },
  ]);
  assertEquals(s.recorder.of("lease_lost"), []);
  assertEquals(s.ledger.counts.documents, 0);
});

Deno.test("Settler repeats a write through an outage, holding its documents until there is an answer", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(2);
  s.store.fail("nack", new TransientError("no primary"), { times: 3 });
  for (const held of all) s.settler.settle(held, NACK);
  await settled();
  for (let failure = 1; failure <= 3; failure++) {
    const failed = s.recorder.of("settle_failed");
    assertEquals(failed.length, failure);
    assertEquals(failed.at(-1)!.documents, 2);
    assertEquals(s.ledger.counts.documents, 2);
    await s.clock.advance(failed.at(-1)!.retryInMs);
  }
  assertEquals(s.recorder.of("retried").length, 2);
  assertEquals(s.ledger.counts.documents, 0);
});

Deno.test("Settler marks a document as being written only while a write of it is under way", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  const { go, reached } = s.store.hold("ack");
  s.store.fail("ack", new TransientError());
  s.settler.settle(held, ACK);
  await reached.wait();
  assertEquals(held.isWriting, true);
  go();
  await settled();
  s.store.fail("ack", new TransientError());
  await s.clock.advance(300);
  assertEquals(held.isWriting, false, "waits to be written again");
  await s.clock.advance(10_000);
  assertEquals(s.store.statuses, { processed: 1 });
});

Deno.test("Settler does not write what has left the ledger meanwhile", async () => {
  const s = new SettlerSetup();
  const [lost, kept, busy] = await s.claim(3) as [Held, Held, Held];
  s.settler.settle(lost, ACK);
  s.settler.settle(kept, ACK);
  s.ledger.remove(lost);
  await s.clock.advance(5);
  assertEquals(s.store.callsOf("ack"), [[kept.document.id]]);
  s.settler.settle(busy, RELEASE);
  s.ledger.remove(busy);
  await s.clock.advance(5);
  assertEquals(s.store.callsOf("release"), [[busy.document.id]]);
});

Deno.test("Settler makes a failure of a result that the database refuses, and acks its neighbours", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(4);
  const bad = all[2]!.document.id;
  s.store.reject(bad, "ack");
  for (const held of all) s.settler.settle(held, { kind: "ack", set: { n: 1 } });
  await settled();
  assertEquals(s.store.statuses, { processed: 3, pending: 1 });
  assertEquals(s.recorder.of("settle_rejected").map(({ id, kind }) => ({ id, kind })), [{
    id: bad,
    kind: "ack",
  }]);
  const [nacked] = s.recorder.of("retried");
  assertEquals(nacked?.id, bad);
  assertMatch(nacked!.error, /^The result cannot be written: Document failed validation/);
  assertEquals(nacked!.delayMs, 500);
});

Deno.test("Settler keeps two writes of a kind under way at the most, and the rest in the ledger", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(40);
  const held = Array.from({ length: 4 }, () => s.store.hold("ack"));
  for (const each of all) {
    s.settler.settle(each, ACK);
    await s.clock.advance(5);
  }
  assertEquals(s.store.callsOf("ack").length, 2);
  assertEquals(s.ledger.counts.documents, 40, "they count against what may be claimed");
  for (const { go } of held) go();
  await settled();
  assertEquals(s.store.peak.ack, 2);
  assertEquals(s.ledger.counts.documents, 0);
  assertLessOrEqual(s.store.callsOf("ack").length, 4);
});

Deno.test("Settler.flush() writes everything that waits for company", async () => {
  const s = new SettlerSetup();
  const [a, b, c] = await s.claim(3) as [Held, Held, Held];
  s.settler.settle(a, ACK);
  s.settler.settle(b, RELEASE);
  s.settler.flush();
  await settled();
  assertEquals(s.store.statuses, { processed: 1, pending: 1, processing: 1 });
  assert(s.ledger.has(c));
});

Deno.test("Settler.stop() gives up what could not be written", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  s.store.fail("release", new TransientError(), { times: 100 });
  s.settler.settle(held, RELEASE);
  await s.clock.advance(1000);
  s.settler.stop();
  const calls = s.store.calls.length;
  await s.clock.advance(60_000);
  assertEquals(s.store.calls.length, calls);
  assertEquals(s.clock.pending, 0);
  assert(s.ledger.has(held));
});
