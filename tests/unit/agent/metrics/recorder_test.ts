import { assert, assertEquals } from "@std/assert";
import { Details } from "../../../../agent/details.ts";
import { type AgentEvent, Events } from "../../../../agent/events.ts";
import { Numbers } from "../../../../agent/metrics/numbers.ts";
import { prometheusText } from "../../../../agent/metrics/prometheus_text.ts";
import { MetricsRecorder } from "../../../../agent/metrics/recorder.ts";
import type { SafeText } from "../../../../agent/text/redact.ts";
import { ManualClock } from "../../../support/manual_clock.ts";
import { FACTS, valueOf } from "../../../support/metrics.ts";

class Setup {
  readonly clock = new ManualClock();
  readonly details = new Details();
  readonly events = new Events();
  readonly numbers = new Numbers(FACTS);

  constructor() {
    new MetricsRecorder(this);
  }

  /** What a series of the metrics of the agent shows. */
  value(series: string): number | undefined {
    return valueOf(prometheusText(this.numbers.collect()), `pulling_agent_${series}`);
  }
}

const error = "no" as SafeText;

/** Each event that is counted, and what it counts. */
const COUNTED: [event: AgentEvent, counts: Record<string, number>][] = [
  [
    { type: "claimed", documents: 5, takeovers: 2, conflicts: 3, elapsedMs: 1 },
    { claimed_total: 5, taken_over_total: 2, claim_conflicts_total: 3 },
  ],
  [{ type: "claim_failed", error, retryInMs: 1 }, { claim_errors_total: 1 }],
  [{ type: "processed", documents: 4 }, { 'settled_total{outcome="processed"}': 4 }],
  [{ type: "released", documents: 3, aborted: 1 }, { 'settled_total{outcome="released"}': 3 }],
  [{ type: "canceled", documents: 3, ids: [1, 2, 3] }, { 'settled_total{outcome="canceled"}': 3 }],
  [{ type: "snoozed", documents: 2 }, { 'settled_total{outcome="snoozed"}': 2 }],
  [
    { type: "retried", id: 1, attempt: 1, error, delayMs: 1 },
    { 'settled_total{outcome="retried"}': 1 },
  ],
  [{ type: "retried_among", documents: 2, ids: [1, 2, 3] }, { 'settled_total{outcome="retried"}': 2 }],
  [{ type: "dead_lettered", id: 1, attempt: 1, error }, { 'settled_total{outcome="dead_lettered"}': 1 }],
  [
    { type: "breaker_opened", error, retryInMs: 1, openForMs: 0, isAgain: false, isLasting: false },
    { breaker_opened_total: 1, breaker_open: 1 },
  ],
  [
    { type: "breaker_opened", error, retryInMs: 1, openForMs: 5, isAgain: true, isLasting: true },
    { breaker_opened_total: 0, breaker_open: 1 },
  ],
  [{ type: "breaker_closed", openForMs: 1 }, { breaker_open: 0 }],
  [{ type: "handler_failed", id: 1, attempt: 1, error }, { attempts_failed_total: 1 }],
  [{ type: "lease_lost", documents: 6, ids: [], during: "renew" }, { leases_lost_total: 6 }],
  [
    { type: "settle_rejected", kind: "ack", id: 1, attempt: 1, error, next: "nack" },
    { outcomes_refused_total: 1 },
  ],
  [{ type: "unconfirmed", documents: 2, ids: [], during: "ack" }, { outcomes_unconfirmed_total: 2 }],
  [
    {
      type: "left_alone",
      groups: [2, 3].map((documents) => ({ documents, isMore: false, example: 1, reason: error })),
    },
    { left_alone_documents: 5 },
  ],
];

for (const [event, counts] of COUNTED) {
  Deno.test(`MetricsRecorder counts the event ${event.type}`, () => {
    const s = new Setup();
    s.events.emit(event);
    assertEquals(Object.fromEntries(Object.keys(counts).map((series) => [series, s.value(series)])), counts);
  });
}

Deno.test("MetricsRecorder counts how long runs, operations and pick-ups took", async () => {
  const s = new Setup();
  const startedAtMs = s.clock.monotonicMs();
  await s.clock.advance(70);
  s.details.emit({ type: "run_ended", startedAtMs, documents: [], result: "timed_out", results: [] });
  s.details.emit({ type: "operation_ended", startedAtMs, operation: "find", isOk: false });
  s.details.emit({ type: "picked_up", delayMs: 2500 });
  assertEquals(s.value('handler_seconds_sum{result="timed_out"}'), 0.07);
  assertEquals(s.value('handler_seconds_bucket{result="timed_out",le="0.05"}'), 0);
  assertEquals(s.value('handler_seconds_bucket{result="timed_out",le="0.1"}'), 1);
  assertEquals(s.value('mongodb_operation_seconds_sum{operation="find",outcome="error"}'), 0.07);
  assertEquals(s.value("pick_up_delay_seconds_sum"), 2.5);
});

Deno.test("MetricsRecorder shows the time of the last claim that was answered, and none before", () => {
  const s = new Setup();
  assertEquals(s.value("last_claim_timestamp_seconds"), undefined);
  s.events.emit({ type: "claim_failed", error, retryInMs: 1 });
  assertEquals(s.value("last_claim_timestamp_seconds"), undefined);
  const before = Date.now() / 1000;
  s.events.emit({ type: "claimed", documents: 0, takeovers: 0, conflicts: 0, elapsedMs: 1 });
  const at = s.value("last_claim_timestamp_seconds")!;
  assertEquals([at >= before, at <= Date.now() / 1000], [true, true]);
});

Deno.test("MetricsRecorder shows when what waits was last counted, also once it is not known any more, and 0 before", () => {
  const s = new Setup();
  const of = '{database="shop",collection="orders"}';
  const seen = (agoMs: number, claimable: number | undefined) =>
    s.events.emit({
      type: "backlog_seen",
      agoMs,
      backlog: { claimable, oldestMs: undefined, deadLetters: claimable },
    });
  assertEquals(s.value(`backlog_counted_timestamp_seconds${of}`), 0);
  seen(0, undefined);
  assertEquals(s.value(`backlog_counted_timestamp_seconds${of}`), 0);
  seen(60_000, 3);
  const at = s.value(`backlog_counted_timestamp_seconds${of}`)!;
  assert(Math.abs(Date.now() / 1000 - 60 - at) < 30, `${at}`);
  seen(0, undefined);
  assertEquals(s.value(`backlog_counted_timestamp_seconds${of}`), at);
  assertEquals(s.value(`claimable_documents${of}`), undefined);
});
