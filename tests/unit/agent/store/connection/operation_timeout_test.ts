import { assert } from "@std/assert";
import { timeLimits } from "../../../../../agent/store/connection/operation_timeout.ts";

Deno.test("timeLimits() are whole milliseconds under any lease, and each ends before the one that waits for it", () => {
  for (let leaseMs = 1000; leaseMs <= 30_000; leaseMs++) {
    const limits = timeLimits(leaseMs);
    for (const [name, limitMs] of Object.entries(limits)) {
      assert(Number.isInteger(limitMs) && limitMs > 0, `${name} of ${leaseMs}: ${limitMs}`);
    }
    const { majorityMs, claimMs, changesMs, socketMs, answerMs } = limits;
    assert(majorityMs < claimMs && claimMs < socketMs && socketMs < answerMs, `${leaseMs}`);
    assert(changesMs < socketMs, `${leaseMs}`);
  }
});
