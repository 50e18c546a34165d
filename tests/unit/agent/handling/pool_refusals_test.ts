import { CLOSED_BREAKER } from "../../../support/closed_breaker.ts";
import { assertEquals } from "@std/assert";
import { Events } from "../../../../agent/events.ts";
import { Ledger } from "../../../../agent/leases/ledger.ts";
import type { Outcome } from "../../../../agent/settling/outcome.ts";
import { Pool, type PoolOptions } from "../../../../agent/handling/pool.ts";
import { RefusedOutcomes } from "../../../../agent/settling/refused_outcome.ts";
import { AGENT_SETTINGS, NO_SAVER, SILENT_LOGS } from "../../../support/agent_setup.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { markingStore } from "../../../support/marking_store.ts";
import { TARGETS } from "../../../support/results.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";
import { safe } from "../../../support/safe_text.ts";

function poolOf(process: () => void, options: Partial<PoolOptions>) {
  const [clock, ledger, outcomes] = [new ManualClock(), new Ledger(), new Map<unknown, Outcome>()];
  const pool = new Pool({
    breaker: CLOSED_BREAKER,
    ...AGENT_SETTINGS,
    saver: NO_SAVER,
    policy: { ...AGENT_SETTINGS, random: () => 0.5 },
    clock,
    ledger,
    events: new Events(),
    leaseMs: 60_000,
    processing: { kind: "single", process },
    refusedOutcomes: new RefusedOutcomes(),
    store: markingStore(),
    logs: SILENT_LOGS,
    targets: TARGETS,
    settler: {
      settle: (held, outcome) => {
        outcomes.set(held.document.id, outcome);
        ledger.remove(held);
      },
    },
    ...options,
  });
  return { clock, outcomes, pool };
}

Deno.test("Pool runs no handler of a document whose outcome the database refused, and settles it with that error", async () => {
  const refusedOutcomes = new RefusedOutcomes();
  let runs = 0;
  const p = poolOf(() => void runs++, { refusedOutcomes });
  refusedOutcomes.add(fakeDocument({ id: "a" }), safe("nothing can be written"));
  const leasedAtMs = p.clock.monotonicMs();
  p.pool.add(["a", "b"].map((id) => fakeDocument({ id, leasedAtMs, wasTakenOver: true })));
  await settled();
  assertEquals([runs, p.outcomes.get("a")], [1, {
    kind: "dead_letter",
    error: safe("nothing can be written"),
  }]);
});

Deno.test("Pool counts a suspect whose mark the database refuses as failed, and releases it after an outage", async () => {
  for (
    const [error, kind] of [[new Error("failed validation"), "nack"], [
      new TransientError(),
      "release",
    ]] as const
  ) {
    let runs = 0;
    const p = poolOf(() => void runs++, { store: markingStore(() => Promise.reject(error)) });
    const leasedAtMs = p.clock.monotonicMs();
    p.pool.add([fakeDocument({ id: "a", leasedAtMs, suspect: { expiriesAlone: 0 } })]);
    await settled();
    assertEquals([runs, p.outcomes.get("a")?.kind], [0, kind]);
  }
});
