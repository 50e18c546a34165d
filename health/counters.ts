import type { AgentEvent } from "../agent/events.ts";

/** What is counted since the agent's start. Declared once, for the status file and its readers. */
export const COUNTERS = {
  claimed: "documents claimed",
  processed: "documents processed",
  retried: "failed attempts after which the document runs again",
  dead_lettered: "documents that became dead letters",
  released:
    "documents released, so that their attempt does not count: not started, or their handler was aborted",
  snoozed: "documents that their processor put off with `snoozeMs`, so that their attempt does not count",
  canceled: "documents that an operator canceled while their handler ran",
  takeovers: "documents taken over from an expired lease",
  conflicts: "candidates that another agent claimed first",
  lease_lost: "leases that were lost before the document was settled",
  unconfirmed: "writes whose answer was lost and could not be confirmed",
  timed_out: "handlers that took longer than PROCESS_TIMEOUT",
  claim_failures: "claims that failed",
} as const;

/** The name of a counter. */
export type Counter = keyof typeof COUNTERS;

/** Counts what happens in an agent. */
export class Counters {
  readonly values: Record<Counter, number> = Object.fromEntries(
    Object.keys(COUNTERS).map((name) => [name, 0]),
  ) as Record<Counter, number>;

  /** Takes note of an event of the agent's. */
  observe(event: AgentEvent): void {
    const { values } = this;
    switch (event.type) {
      case "claimed":
        values.claimed += event.documents;
        values.takeovers += event.takeovers;
        values.conflicts += event.conflicts;
        break;
      case "processed":
      case "released":
      case "snoozed":
      case "canceled":
      case "lease_lost":
      case "unconfirmed":
        values[event.type] += event.documents;
        break;
      case "retried":
      case "dead_lettered":
        values[event.type] += 1;
        break;
      case "retried_among":
        values.retried += event.documents;
        break;
      case "handler_timed_out":
        values.timed_out += 1;
        break;
      case "claim_failed":
        values.claim_failures += 1;
        break;
    }
  }
}
