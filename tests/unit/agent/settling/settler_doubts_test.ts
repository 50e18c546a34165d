import { assertEquals } from "@std/assert";
import type { Held } from "../../../../agent/leases/ledger.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { settled } from "../../../support/manual_clock.ts";
import { safe } from "../../../support/safe_text.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

const ACK = { kind: "ack" } as const;
const NACK = { kind: "nack", error: safe("it broke"), delayMs: 700 } as const;
/** The longest wait until a write in doubt is sent again, and then some. */
const RETRIED_MS = 5000;

Deno.test("Settler takes a document for lost, not for processed, if its lease is lost after MongoDB refused its ack", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  s.store.doubt(held.document.id, "ack");
  s.settler.settle(held, ACK);
  await s.clock.advance(RETRIED_MS);
  s.store.doubt(held.document.id);
  s.store.steal(held.document.id);
  await s.clock.advance(RETRIED_MS);
  assertEquals(s.recorder.of("lease_lost").map(({ documents, during }) => [documents, during]), [[1, "ack"]]);
  assertEquals(s.recorder.of("unconfirmed"), []);
});

Deno.test("Settler does not know what became of a document whose refused ack had been sent before, without an answer", async () => {
  const s = new SettlerSetup();
  const [held] = await s.claim(1) as [Held];
  s.store.fail("ack", new TransientError("no answer"));
  s.store.doubt(held.document.id, "ack");
  s.settler.settle(held, ACK);
  await s.clock.advance(2 * RETRIED_MS);
  s.store.doubt(held.document.id);
  s.store.steal(held.document.id);
  await s.clock.advance(RETRIED_MS);
  assertEquals(s.recorder.of("unconfirmed").map(({ documents }) => documents), [1]);
  assertEquals(s.recorder.of("lease_lost"), []);
});

Deno.test("Settler.releaseDoubted() hands all documents in doubt back, and leaves them alone", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(3);
  for (const { document } of all) s.store.doubt(document.id, "ack");
  for (const held of all) s.settler.settle(held, ACK);
  await settled();
  assertEquals(s.settler.releaseDoubted(), true);
  await settled();
  assertEquals([s.ledger.counts.documents, s.store.statuses], [0, { pending: 3 }]);
  assertEquals(s.recorder.of("released"), [{ type: "released", documents: 3, aborted: 0, inDoubt: 3 }]);
  assertEquals(s.store.passedOver, s.ids(all));
  assertEquals([s.releases, s.clock.pending], [1, 0]);
});

Deno.test("Settler.releaseDoubted() leaves documents in doubt as they were if MongoDB refuses the release, for any reason", async () => {
  for (const refuse of ["doubt", "reject"] as const) {
    const s = new SettlerSetup();
    const [held] = await s.claim(1) as [Held];
    const { id } = held.document;
    s.store.doubt(id, "ack");
    s.settler.settle(held, ACK);
    await settled();
    s.store[refuse](id, "release", "ack");
    assertEquals(s.settler.releaseDoubted(), true);
    await settled();
    assertEquals([s.ledger.counts.doubted, s.store.statuses, s.store.passedOver], [1, { processing: 1 }, []]);
    s.store.doubt(id);
    await s.clock.advance(RETRIED_MS);
    assertEquals([s.ledger.counts.documents, s.store.statuses], [0, { processed: 1 }]);
    assertEquals([s.recorder.of("settle_rejected"), s.recorder.of("released")], [[], []]);
  }
});

Deno.test("Settler.releaseDoubted() hands nothing back while another document is held, or one waits for another outcome than an ack", async () => {
  const s = new SettlerSetup();
  const [acked, other] = await s.claim(2) as [Held, Held];
  s.store.doubt(acked.document.id, "ack");
  s.settler.settle(acked, ACK);
  await s.clock.advance(10);
  assertEquals(s.settler.releaseDoubted(), false);
  s.store.doubt(other.document.id, "nack");
  s.settler.settle(other, NACK);
  await s.clock.advance(10);
  assertEquals(s.ledger.counts.doubted, 2);
  assertEquals(s.settler.releaseDoubted(), false);
  s.settler.stop();
});
