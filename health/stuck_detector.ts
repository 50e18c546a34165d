import type { AgentEvent, Stage } from "../agent/events.ts";
import type { Clock } from "../agent/lib/clock.ts";

/** A write that is retried keeps the loop from going on, and is not a reason to kill the pod: it gets this long. */
const RETRY_GRACE_MS = 60_000;

/**
 * Whether the poll loop makes progress.
 *
 * For each stage the loop gives a time by which it will leave it. If it has not left by then, it is stuck. Waiting for
 * work, for a resume, or for a database that is gone are stages like any other: none of them is a reason for a restart.
 */
export class StuckDetector {
  readonly #clock: Clock;
  #stage: Stage | undefined;
  #deadlineMs = Infinity;
  #since = new Date();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The stage the loop is in; undefined before it has started. */
  get stage(): Stage | undefined {
    return this.#stage;
  }

  /** Whether the loop should have left its stage by now. */
  get isStuck(): boolean {
    return this.#clock.monotonicMs() > this.#deadlineMs;
  }

  /** As the status shows it. */
  get status(): { stage: Stage | "starting"; stuck: boolean; since: string } {
    return { stage: this.#stage ?? "starting", stuck: this.isStuck, since: this.#since.toISOString() };
  }

  /** Takes note of an event of the agent's. */
  observe(event: AgentEvent): void {
    if (event.type === "progress") {
      // A drain has one deadline for all that the loop may still do.
      if (this.#stage === "draining") return;
      this.#since = new Date();
      this.#stage = event.stage;
      this.#deadlineMs = event.deadlineMs;
    } else if (event.type === "settle_failed" && this.#stage === "full") {
      this.#deadlineMs = Math.max(this.#deadlineMs, this.#clock.monotonicMs() + RETRY_GRACE_MS);
    }
  }
}
