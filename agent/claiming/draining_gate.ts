import type { PauseGate } from "../ports.ts";

/**
 * The pause gate of an agent that may drain. Draining closes it for good, so that callers check one gate and not two.
 */
export class DrainingGate implements PauseGate {
  readonly #gate: PauseGate;
  readonly #claiming: AbortSignal;

  /** @param claiming Aborts when the agent drains. */
  constructor(gate: PauseGate, claiming: AbortSignal) {
    this.#gate = gate;
    this.#claiming = claiming;
  }

  get isOpen(): boolean {
    return this.#gate.isOpen && !this.#claiming.aborted;
  }

  waitOpen(signal: AbortSignal): Promise<boolean> {
    return this.#gate.waitOpen(signal);
  }

  onChange(listener: (isOpen: boolean) => void): void {
    this.#gate.onChange(listener);
  }
}
