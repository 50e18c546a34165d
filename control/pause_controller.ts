import type { PauseGate } from "../agent/ports.ts";

/** Who asked for a change. */
export type PauseSource = "start" | "signal" | "file";

/** Whether the agent may claim, on whose word, and since when. */
export interface PauseState {
  state: "running" | "paused";
  source: PauseSource;
  since: Date;
}

/**
 * Whether the agent may claim. Several sources ask for it; the latest change wins, and asking for what is already so
 * changes nothing.
 */
export class PauseController implements PauseGate {
  #current: PauseState = { state: "running", source: "start", since: new Date() };
  readonly #listeners: ((isOpen: boolean) => void)[] = [];

  get current(): PauseState {
    return this.#current;
  }

  get isOpen(): boolean {
    return this.#current.state === "running";
  }

  /** Claims are over until an operator resumes. */
  pause(source: PauseSource): void {
    this.#change("paused", source);
  }

  /** Claims go on. */
  resume(source: PauseSource): void {
    this.#change("running", source);
  }

  onChange(listener: (isOpen: boolean) => void): void {
    this.#listeners.push(listener);
  }

  async waitOpen(signal: AbortSignal): Promise<boolean> {
    while (!this.isOpen && !signal.aborted) await this.#nextChange(signal);
    return !signal.aborted;
  }

  #change(state: PauseState["state"], source: PauseSource): void {
    if (state === this.#current.state) return;
    this.#current = { state, source, since: new Date() };
    for (const listener of [...this.#listeners]) listener(this.isOpen);
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        signal.removeEventListener("abort", finish);
        const index = this.#listeners.indexOf(finish);
        // Called twice where a listener of the same change aborts the signal.
        if (index >= 0) this.#listeners.splice(index, 1);
        resolve();
      };
      signal.addEventListener("abort", finish);
      this.#listeners.push(finish);
    });
  }
}
