import { assert, assertEquals } from "@std/assert";
import { UnansweredWritesError } from "../../../../agent/partial_writes.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { settled } from "../../../support/manual_clock.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

const ACK = { kind: "ack" } as const;

Deno.test("Settler writes other acks while locked documents wait, and those together later on", async () => {
  const s = new SettlerSetup();
  const all = await s.claim(5);
  const ids = s.ids(all);
  for (const at of [0, 1]) {
    const cause = new TransientError("locked");
    s.store.fail(
      "ack",
      new UnansweredWritesError(new Set([0]), { matched: 0, missed: [] }, cause, { isApart: true }),
    );
    s.settler.settle(all[at]!, ACK);
    s.settler.flush();
    await settled();
  }
  const failed = s.recorder.of("settle_failed");
  assertEquals(
    failed.map(({ documents, error }) => [documents, String(error)]),
    Array(2).fill([1, "Error: locked"]),
  );
  for (const held of all.slice(2)) s.settler.settle(held, ACK);
  s.settler.flush();
  await settled();
  assertEquals(s.recorder.of("processed"), [{ type: "processed", documents: 3 }]);
  assert(all.slice(0, 2).every((held) => s.ledger.has(held) && !held.isWriting), "their leases are renewed");
  await s.clock.advance(failed[0]!.retryInMs);
  s.settler.flush();
  await settled();
  assertEquals(s.store.callsOf("ack"), [[ids[0]], [ids[1]], ids.slice(2), ids.slice(0, 2)]);
  assertEquals(s.ledger.counts.documents, 0);
});
