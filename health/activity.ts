import { type AgentEvent, showsThatOutcomesAreWritten } from "../agent/events.ts";

/** When the agent last did what it is there for. */
export class Activity {
  /** Since when claims have brought nothing; undefined if the last one brought something, or none has ended yet. */
  #emptySince: Date | undefined;
  #settledAt: Date | undefined;
  #drainReason: string | undefined;

  /** Takes note of an event of the agent's. */
  observe(event: AgentEvent): void {
    if (event.type === "claimed") {
      this.#emptySince = event.documents > 0 ? undefined : this.#emptySince ?? new Date();
    }
    if (showsThatOutcomesAreWritten(event)) this.#settledAt = new Date();
    if (event.type === "drain_started") this.#drainReason = event.reason;
  }

  /** As the status shows it. */
  get status(): ActivityStatus {
    return {
      ...(this.#emptySince && { nothing_to_claim_since: this.#emptySince.toISOString() }),
      ...(this.#settledAt && { last_outcome_at: this.#settledAt.toISOString() }),
      ...(this.#drainReason !== undefined && { drain_reason: this.#drainReason }),
    };
  }
}

/** A part of the status. */
export interface ActivityStatus {
  /** Since when claims have found nothing. Missing if the last one found something, or if none has ended yet. */
  nothing_to_claim_since?: string;
  /** When an outcome was last written. */
  last_outcome_at?: string;
  /** Why the agent drains. */
  drain_reason?: string;
}
