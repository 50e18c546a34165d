import { assert, assertEquals } from "@std/assert";
import { safe } from "../../support/safe_text.ts";
import type { AgentEvent } from "../../../agent/events.ts";
import { type Counter, COUNTERS, Counters } from "../../../health/counters.ts";

const claimed = (documents: number, takeovers: number, conflicts: number): AgentEvent => ({
  type: "claimed",
  documents,
  takeovers,
  conflicts,
  elapsedMs: 1,
});

const CASES: [Counter, AgentEvent, number][] = [
  ["claimed", claimed(5, 0, 0), 5],
  ["takeovers", claimed(0, 3, 0), 3],
  ["conflicts", claimed(0, 0, 7), 7],
  ["processed", { type: "processed", documents: 4 }, 4],
  ["released", { type: "released", documents: 4, aborted: 1 }, 4],
  ["snoozed", { type: "snoozed", documents: 3 }, 3],
  ["retried", { type: "retried", id: 1, attempt: 1, error: safe("x"), delayMs: 5 }, 1],
  ["retried", { type: "retried_among", documents: 2, ids: [1, 2, 3] }, 2],
  ["dead_lettered", { type: "dead_lettered", id: 1, attempt: 5, error: safe("x") }, 1],
  ["canceled", { type: "canceled", documents: 2, ids: [1, 2] }, 2],
  ["lease_lost", { type: "lease_lost", documents: 2, ids: [1, 2, 3], during: "ack" }, 2],
  ["unconfirmed", { type: "unconfirmed", documents: 2, ids: [1, 2, 3], during: "ack" }, 2],
  ["timed_out", { type: "handler_timed_out", id: 1, attempt: 1, timeoutMs: 5 }, 1],
  ["claim_failures", { type: "claim_failed", error: new Error("x"), retryInMs: 5 }, 1],
];

for (const [name, event, by] of CASES) {
  Deno.test(`Counters.observe() counts ${name} by ${by} on ${event.type}, and nothing else`, () => {
    const counters = new Counters();
    const zero = { ...counters.values };
    counters.observe(event);
    counters.observe(event);
    assertEquals(counters.values, { ...zero, [name]: 2 * by });
  });
}

Deno.test("Counters: every counter starts at zero and is counted by some event", () => {
  assert(Object.values(new Counters().values).every((value) => value === 0));
  assertEquals(Object.keys(COUNTERS).sort(), [...new Set(CASES.map(([name]) => name))].sort());
});

Deno.test("Counters.observe() counts nothing on any other event", () => {
  const counters = new Counters();
  counters.observe({ type: "progress", stage: "idle", deadlineMs: 1 });
  counters.observe({ type: "state_changed", from: "running", to: "paused" });
  counters.observe({ type: "settle_failed", kind: "ack", documents: 3, error: "x", retryInMs: 1 });
  assertEquals(counters.values, new Counters().values);
});
