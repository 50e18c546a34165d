import { leave } from "../agent/processors/exit_guard.ts";
import { remarks } from "../agent/telemetry/remarks.ts";

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** The same signal twice within this is one: a terminal and a task runner both pass Ctrl-C on, in milliseconds. */
const SAME_SIGNAL_MS = 300;

/**
 * Listens to the signals that ask to stop, so that work in batches can end between two of them and say how far it came.
 * Whoever does not want to wait for the batch sends a second one, which ends the process.
 */
export class Interruption {
  #first: { signal: keyof typeof NUMBERS; atMs: number } | undefined;

  constructor() {
    for (const signal of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
      Deno.addSignalListener(signal, () => this.#receive(signal));
    }
  }

  /** The signal that came, if one did. */
  get signal(): string | undefined {
    return this.#first?.signal;
  }

  /** The exit status by which shells know that a signal came; 0 where none did. */
  get status(): number {
    return this.#first ? 128 + NUMBERS[this.#first.signal] : 0;
  }

  #receive(signal: keyof typeof NUMBERS): void {
    const atMs = performance.now();
    if (this.#first === undefined) {
      this.#first = { signal, atMs };
      remarks.say(`${signal}: stopping after what is under way`);
    } else if (atMs - this.#first.atMs > SAME_SIGNAL_MS) {
      remarks.flushSync();
      leave(this.status);
    }
  }
}
