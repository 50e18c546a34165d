import type { Breaker } from "../breaker/breaker.ts";
import { doneBy } from "../lib/deadline.ts";
import type { PauseGate } from "./pause_gate.ts";

/** Open if the operator has not paused the agent, and if the breaker lets documents pass. */
export class BreakerGate implements PauseGate {
  readonly #pause: PauseGate;
  readonly #breaker: Pick<Breaker, "letsPass" | "onChange">;
  readonly #listeners: ((isOpen: boolean) => void)[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(pause: PauseGate, breaker: Pick<Breaker, "letsPass" | "onChange">) {
    this.#pause = pause;
    this.#breaker = breaker;
    pause.onChange(() => this.#tell());
    breaker.onChange(() => this.#tell());
  }

  get isOpen(): boolean {
    return this.#pause.isOpen && this.#breaker.letsPass;
  }

  onChange(listener: (isOpen: boolean) => void): void {
    this.#listeners.push(listener);
  }

  async waitOpen(signal: AbortSignal): Promise<boolean> {
    while (!this.isOpen && !signal.aborted) await doneBy(this.#changed.promise, { signal });
    return !signal.aborted;
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    for (const listener of this.#listeners) listener(this.isOpen);
  }
}
