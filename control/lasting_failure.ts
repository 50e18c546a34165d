import { CANNOT_CLAIM, CANNOT_WRITE, PROCESSOR_FAILS } from "../agent/drain.ts";
import type { Clock } from "../agent/lib/clock.ts";
import { type AgentEvent, type Events, showsThatOutcomesAreWritten } from "../agent/events.ts";

/**
 * A new user or secret may be a moment late. A failure that has lasted for this long does not pass by itself, in
 * milliseconds.
 */
const LIMIT_MS = 60_000;

/**
 * Ends a run that is to end when nothing is left, once its claims, or the writes of outcomes, have failed long enough
 * for reasons that do not pass by themselves. Only a success starts the count anew. An outage pauses the count and
 * takes nothing back, because it tells nothing about a password: with a network that comes and goes, a wrong password
 * would never be found.
 *
 * It ends as well if the processor has failed for long: a Job that waits tells nothing of it, and its next pod begins
 * anew.
 */
export class LastingFailure {
  readonly #options: LastingFailureOptions;
  readonly #claims: FailingTime;
  readonly #writes: FailingTime;

  constructor(options: LastingFailureOptions) {
    this.#options = options;
    this.#claims = new FailingTime(options.clock);
    this.#writes = new FailingTime(options.clock);
    options.events.subscribe((event) => this.#observe(event));
  }

  #observe(event: AgentEvent): void {
    const { agent, isLasting } = this.#options;
    if (event.type === "claimed" || event.type === "registry_answers") this.#claims.end();
    if (showsThatOutcomesAreWritten(event)) this.#writes.end();
    if (event.type === "claim_failed" && this.#claims.add(isLasting(event.error)) >= LIMIT_MS) {
      agent.drain(CANNOT_CLAIM);
    }
    if (event.type === "breaker_opened" && event.isLasting) agent.drain(PROCESSOR_FAILS);
    if (event.type === "settle_failed") {
      const isForGood = event.isLasting || event.isDoubtful;
      if (this.#writes.add(isForGood ?? false) >= LIMIT_MS) agent.drain(CANNOT_WRITE);
    }
  }
}

/** What a {@linkcode LastingFailure} needs. */
export interface LastingFailureOptions {
  clock: Clock;
  events: Events;
  agent: { drain(reason: string): void };
  /** Whether an error does not pass by itself: a wrong password, a missing right, a wrong name of the set, bad TLS. */
  isLasting(error: unknown): boolean;
}

/** How long something has failed for reasons that do not pass by themselves. */
class FailingTime {
  readonly #clock: Clock;
  /** When it last failed since it last worked, for any reason. */
  #lastMs: number | undefined;
  /** Undefined if no failure since then was for such a reason. */
  #failingMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It works. */
  end(): void {
    this.#lastMs = this.#failingMs = undefined;
  }

  /** It has failed; returns how long it has failed for lasting reasons, in milliseconds. */
  add(isLasting: boolean): number {
    const now = this.#clock.monotonicMs();
    const sinceMs = this.#lastMs ?? now;
    this.#lastMs = now;
    if (isLasting) {
      // The first such failure tells nothing about the time before it, which was an outage at most.
      this.#failingMs = this.#failingMs === undefined ? 0 : this.#failingMs + now - sinceMs;
    }
    return this.#failingMs ?? 0;
  }
}
