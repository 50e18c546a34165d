import { Events } from "../agent/events.ts";
import { doneBy } from "../agent/lib/deadline.ts";
import type { PauseGate } from "../agent/claiming/pause_gate.ts";

/** Who asked for a change. */
export type PauseSource = "start" | "signal" | "file" | "fleet";

/** Who asked for a change and why, as far as that is known. */
export interface PauseReason {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** Whether the agent may claim, who decided it, and since when. */
export interface PauseState extends PauseReason {
  state: "running" | "paused";
  source: PauseSource;
  since: Date;
}

/**
 * Whether the agent may claim. Several sources ask for it, and the latest change wins. A request for the present state
 * changes nothing.
 */
export class PauseController implements PauseGate {
  #current: PauseState = { state: "running", source: "start", since: new Date() };
  #changed = Promise.withResolvers<void>();
  readonly #events: Events;
  readonly #listeners: ((isOpen: boolean) => void)[] = [];

  /** Emits each change to `events`, before the listeners act on it. */
  constructor(events: Events = new Events()) {
    this.#events = events;
  }

  get current(): PauseState {
    return this.#current;
  }

  get isOpen(): boolean {
    return this.#current.state === "running";
  }

  /** Claims are over until an operator resumes. */
  pause(source: PauseSource, why?: PauseReason): void {
    this.#change("paused", source, why);
  }

  /** Claims go on. */
  resume(source: PauseSource, why?: PauseReason): void {
    this.#change("running", source, why);
  }

  onChange(listener: (isOpen: boolean) => void): void {
    this.#listeners.push(listener);
  }

  async waitOpen(signal: AbortSignal): Promise<boolean> {
    while (!this.isOpen && !signal.aborted) await doneBy(this.#changed.promise, { signal });
    return !signal.aborted;
  }

  #change(state: PauseState["state"], source: PauseSource, { by, reason }: PauseReason = {}): void {
    if (state === this.#current.state) return;
    this.#current = {
      state,
      source,
      since: new Date(),
      ...(by !== undefined && { by }),
      ...(reason !== undefined && { reason }),
    };
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    const { since: _, ...change } = this.#current;
    this.#events.emit({ type: "pause_changed", ...change });
    for (const listener of [...this.#listeners]) listener(this.isOpen);
  }
}
