import { ClaimModeError } from "../agent/errors.ts";
import type { Events } from "../agent/events.ts";
import type { Clock } from "../agent/lib/clock.ts";
import { CHANGE_MS } from "../agent/store/ranges/mode_times.ts";

/**
 * Ends an agent that meets agents of another mode: it waits for their lease once. If they still work then, only an operator
 * can change that, and a rolling update has to stop at this agent. One that has claimed new documents before is not what is
 * new, and waits.
 */
export class ModeEnd {
  readonly #options: ModeEndOptions;
  /** When a claim was refused because of them first. */
  #sinceMs: number | undefined;
  #hasClaimed = false;
  #status = 0;

  constructor(options: ModeEndOptions) {
    this.#options = options;
    options.events.subscribe((event) => {
      // What both modes claim alike, and a claim that finds nothing, tell nothing of the mode.
      if (event.type === "claimed" && event.newDocuments) this.#hasClaimed = true;
      if (event.type === "claim_failed") this.#failed(event.error);
    });
  }

  /** The exit status with which it has ended the agent; 0 if it has not. */
  get status(): number {
    return this.#status;
  }

  #failed(error: unknown): void {
    if (this.#hasClaimed || !(error instanceof ClaimModeError && error.isOfOthers)) return;
    const { agent, clock } = this.#options;
    this.#sinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - this.#sinceMs < CHANGE_MS) return;
    this.#status = 1;
    agent.drain(error.message);
  }
}

/** What a {@linkcode ModeEnd} needs. */
export interface ModeEndOptions {
  agent: { drain(reason: string): void };
  clock: Clock;
  events: Events;
}
