import { CANNOT_CLAIM, type Drainable, NOTHING_LEFT } from "../drain.ts";
import type { Events } from "../events.ts";
import type { Ledger, RemovalWatcher } from "../leases/ledger.ts";
import type { InterruptibleSleep } from "../lib/interruptible_sleep.ts";
import type { DocumentStore } from "../ports.ts";
import type { RetrySchedule } from "../settling/retry_schedule.ts";

/** Claims that may fail in a row, for a reason that does not pass by itself, before the agent gives up. */
const HOPELESS_FAILURES = 5;

/** Ends an agent that is to end when nothing is left (`run --until-empty`): decides what an empty or failed claim means. */
export class UntilEmpty implements RemovalWatcher {
  readonly #options: UntilEmptyOptions;
  #hopeless = 0;

  constructor(options: UntilEmptyOptions) {
    this.#options = options;
    options.ledger.watch(this);
  }

  /** The loop claims again as soon as nothing is held, for any reason: only then can nothing be left. */
  documentLeft(): void {
    const { ledger, wakeup } = this.#options;
    if (ledger.isEmpty) wakeup.wake();
  }

  /** A claim has succeeded. */
  claimed(): void {
    this.#hopeless = 0;
  }

  /** A claim has found nothing while nothing is held. Throws what the store throws. */
  async foundNothing(): Promise<void> {
    const { agent, events, retries, store } = this.#options;
    // A retry that this agent has scheduled is work that is left.
    if (!retries.isEmpty) return;
    events.emit({ type: "left_alone", groups: await store.leftAlone("last") ?? [] });
    agent.drain(NOTHING_LEFT);
  }

  /** A claim has failed; `isHopeless` if the reason does not pass by itself. */
  claimFailed(isHopeless: boolean): void {
    this.#hopeless = isHopeless ? this.#hopeless + 1 : 0;
    if (this.#hopeless >= HOPELESS_FAILURES) this.#options.agent.drain(CANNOT_CLAIM);
  }
}

/** What an {@linkcode UntilEmpty} needs. */
export interface UntilEmptyOptions {
  agent: Drainable;
  events: Events;
  ledger: Ledger;
  retries: Pick<RetrySchedule, "isEmpty">;
  store: Pick<DocumentStore, "leftAlone">;
  /** The sleep between claims. */
  wakeup: Pick<InterruptibleSleep, "wake">;
}
