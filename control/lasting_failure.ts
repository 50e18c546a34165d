import { CANNOT_CLAIM, CANNOT_WRITE } from "../agent/agent.ts";
import type { Clock } from "../agent/clock.ts";
import type { AgentEvent, Events } from "../agent/events.ts";

/** A user or a secret that is being made may be a moment late; what has failed for this long does not mend itself, in milliseconds. */
const LIMIT_MS = 60_000;

/** Events that show that outcomes can be written. */
const WRITTEN = new Set<AgentEvent["type"]>(["processed", "retried", "released", "dead_lettered"]);

/** What a {@linkcode LastingFailure} needs. */
export interface LastingFailureOptions {
  clock: Clock;
  events: Events;
  agent: { drain(reason: string): void };
  /** Whether no waiting mends an error: a wrong password, a missing right, a wrong name of the set, bad TLS. */
  isLasting(error: unknown): boolean;
}

/**
 * Ends a run that is to end when nothing is left, once its claims, or the writes of outcomes, have failed long enough for
 * reasons that no waiting mends. An outage is none of them.
 */
export class LastingFailure {
  readonly #options: LastingFailureOptions;
  #sinceMs: number | undefined;
  #unwrittenSinceMs: number | undefined;

  constructor(options: LastingFailureOptions) {
    this.#options = options;
    options.events.subscribe((event) => this.#observe(event));
  }

  #observe(event: AgentEvent): void {
    if (event.type === "claimed") this.#sinceMs = undefined;
    if (WRITTEN.has(event.type)) this.#unwrittenSinceMs = undefined;
    if (event.type === "settle_failed") this.#unwritten(event.isLasting || event.isDoubtful);
    if (event.type !== "claim_failed") return;
    const { agent, clock, isLasting } = this.#options;
    const now = clock.monotonicMs();
    this.#sinceMs = isLasting(event.error) ? this.#sinceMs ?? now : undefined;
    if (this.#sinceMs !== undefined && now - this.#sinceMs >= LIMIT_MS) agent.drain(CANNOT_CLAIM);
  }

  #unwritten(isLasting = false): void {
    const now = this.#options.clock.monotonicMs();
    const sinceMs = this.#unwrittenSinceMs = isLasting ? this.#unwrittenSinceMs ?? now : undefined;
    if (sinceMs !== undefined && now - sinceMs >= LIMIT_MS) this.#options.agent.drain(CANNOT_WRITE);
  }
}
