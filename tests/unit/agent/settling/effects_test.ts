import { assertEquals, assertMatch } from "@std/assert";
import {
  RefusedEffectError,
  RefusedWritesError,
  UnansweredWritesError,
} from "../../../../agent/partial_writes.ts";
import type { EffectWrite } from "../../../../agent/ports.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { settled } from "../../../support/manual_clock.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

const WRITE: EffectWrite = { collection: "invoices", insertOne: {} };
const ACK = { kind: "ack", writes: [WRITE] } as const;
const NOTHING = { matched: 0, missed: [] };

Deno.test("Settler writes acks with writes a hundred at a time, and gathers the next ones meanwhile", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(250);
  const held = s.store.hold("ackWithWrites");
  for (const each of all.slice(0, 120)) s.settler.settle(each, ACK);
  await held.reached.wait();
  for (const each of all.slice(120)) s.settler.settle(each, ACK);
  await settled();
  assertEquals(s.store.callsOf("ackWithWrites").map(({ length }) => length), [100]);
  held.go();
  await settled();
  assertEquals(s.store.callsOf("ackWithWrites").map(({ length }) => length), [100, 100, 50]);
  assertEquals(s.store.peak.ackWithWrites, 1);
  assertEquals(s.recorder.of("processed").map(({ documents }) => documents), [100, 100, 50]);
  assertEquals(s.settler.counts.finished, 250);
});

Deno.test("Settler writes an ack whose processor asks for no writes as a plain one", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1);
  s.settler.settle(held!, { kind: "ack", writes: [] });
  await settled();
  assertEquals([s.store.callsOf("ack").length, s.store.callsOf("ackWithWrites").length], [1, 0]);
});

/** The event of a document whose lease is lost, after a first transaction that failed. */
async function missAfter(unmade: ReadonlySet<number>, isApart: boolean): Promise<unknown[]> {
  const s = new SettlerSetup();
  const [held] = await s.claim(1);
  const error = new UnansweredWritesError(new Set([0]), NOTHING, new TransientError("it failed"), {
    isApart,
    unmade,
  });
  s.store.fail("ackWithWrites", error);
  s.settler.settle(held!, ACK);
  await settled();
  s.store.steal(held!.document.id);
  await s.clock.advance(s.recorder.of("settle_failed")[0]!.retryInMs);
  s.settler.flush();
  await settled();
  return [...s.recorder.of("lease_lost"), ...s.recorder.of("unconfirmed")].map(({ type, during }) => [
    type,
    during,
  ]);
}

Deno.test("Settler calls an ack with writes unconfirmed only if its transaction may have been committed", async () => {
  for (const isApart of [true, false]) {
    assertEquals(await missAfter(new Set(), isApart), [["unconfirmed", "ack_with_writes"]]);
    assertEquals(await missAfter(new Set([0]), isApart), [["lease_lost", "ack_with_writes"]]);
  }
});

Deno.test("Settler counts a refused write as a failed attempt, whose error names the write", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1);
  const refused = new RefusedEffectError("write 2 of 3, insertOne in invoices", new Error("E11000"));
  s.store.fail("ackWithWrites", new RefusedWritesError(new Map([[0, refused]]), NOTHING));
  s.settler.settle(held!, ACK);
  await settled();
  assertMatch(
    s.recorder.of("retried")[0]!.error,
    /^The writes cannot be made: write 2 of 3, insertOne in invoices: E11000/,
  );
});

Deno.test("Settler lets a refused write fail at once, although others of its call wait", async () => {
  const s = new SettlerSetup();
  const [locked, refused] = await s.claim(2);
  const why = new RefusedEffectError("insertOne in invoices", new Error("E11000"));
  const error = new UnansweredWritesError(new Set([0]), NOTHING, new TransientError("locked"), {
    isApart: true,
    unmade: new Set([0]),
    refused: new Map([[1, why]]),
  });
  s.store.fail("ackWithWrites", error);
  s.settler.settle(locked!, ACK);
  s.settler.settle(refused!, ACK);
  await settled();
  s.settler.flush();
  await settled();
  assertEquals(s.recorder.of("retried").map(({ id }) => id), [refused!.document.id]);
  assertEquals(s.recorder.of("settle_failed").map(({ documents }) => documents), [1]);
  await s.clock.advance(2000);
  s.settler.flush();
  await settled();
  assertEquals(s.recorder.of("processed").map(({ documents }) => documents), [1]);
});

Deno.test("Settler has due leases renewed after each write, before it is sent once more", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1);
  s.store.fail("ackWithWrites", new TransientError("it failed"));
  s.settler.settle(held!, ACK);
  await settled();
  assertEquals([s.renewals, held!.isWriting], [1, false]);
});
