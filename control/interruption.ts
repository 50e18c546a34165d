import { systemClock } from "../agent/lib/clock.ts";
import { leave } from "../agent/processors/exit_guard.ts";
import { remarks } from "../agent/telemetry/remarks.ts";
import { SignalEcho } from "./signal_echo.ts";

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Listens to the signals that ask for a stop, so that work in batches can end between two of them and report its
 * progress. A second signal ends the process at once.
 */
export class Interruption {
  readonly #echo = new SignalEcho(systemClock);
  #first: keyof typeof NUMBERS | undefined;

  constructor() {
    for (const signal of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
      Deno.addSignalListener(signal, () => this.#receive(signal));
    }
  }

  /** The signal that came, if there was one. */
  get signal(): string | undefined {
    return this.#first;
  }

  /** The exit status that tells a shell which signal came; 0 if none did. */
  get status(): number {
    return this.#first ? 128 + NUMBERS[this.#first] : 0;
  }

  #receive(signal: keyof typeof NUMBERS): void {
    if (this.#echo.isEcho(signal)) return;
    if (this.#first === undefined) {
      this.#first = signal;
      remarks.say(`${signal}: stopping after what is under way`);
    } else {
      remarks.flushSync();
      leave(this.status);
    }
  }
}
