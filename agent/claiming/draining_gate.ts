import type { PauseGate } from "./pause_gate.ts";

/**
 * The gate of the claims: open unless the agent is paused, and closed for good once it drains. Callers check one gate and
 * not two.
 */
export class DrainingGate {
  readonly #pause: PauseGate;
  readonly #claiming: AbortSignal;
  #closed = new AbortController();

  /** @param claiming Aborts when the agent drains. */
  constructor(pause: PauseGate, claiming: AbortSignal) {
    this.#pause = pause;
    this.#claiming = claiming;
    this.#changed();
    pause.onChange(() => this.#changed());
    claiming.addEventListener("abort", () => this.#changed());
  }

  get isOpen(): boolean {
    return this.#pause.isOpen && !this.#claiming.aborted;
  }

  /** Aborts when the gate closes, and has aborted if it is closed. It stays aborted: ask for it anew after each wait. */
  get closed(): AbortSignal {
    // Never at odds with `isOpen`, or the loop would spin, even before the gate has called its listeners.
    this.#changed();
    return this.#closed.signal;
  }

  /** Resolves with true as soon as the gate is open, with false once the agent drains. */
  waitOpen(): Promise<boolean> {
    return this.#pause.waitOpen(this.#claiming);
  }

  #changed(): void {
    if (!this.isOpen) this.#closed.abort();
    else if (this.#closed.signal.aborted) this.#closed = new AbortController();
  }
}
