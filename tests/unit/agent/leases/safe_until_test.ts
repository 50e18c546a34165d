import { assertEquals } from "@std/assert";
import { safeUntilMs } from "../../../../agent/leases/safe_until.ts";
import { fakeDocument } from "../../../support/fake_document.ts";

Deno.test("safeUntilMs() relies on nine tenths of a lease, from when the claim or the last renewal was sent", () => {
  const document = fakeDocument({ leasedAtMs: 5000 });
  assertEquals(safeUntilMs(document, 30_000), 32_000);
  document.leaseRenewed(15_000);
  assertEquals(safeUntilMs(document, 30_000), 42_000);
});

Deno.test("safeUntilMs() ends before the lease does, of any duration", () => {
  for (const leaseMs of [1, 1000, 30_000, 86_400_000]) {
    const untilMs = safeUntilMs(fakeDocument({ leasedAtMs: 1000 }), leaseMs);
    assertEquals([untilMs > 1000, untilMs < 1000 + leaseMs], [true, true]);
  }
});
