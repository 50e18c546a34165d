import type { Clock } from "../lib/clock.ts";
import type { Logger } from "./logger.ts";

/** Progress lines (how many documents, and what happened to them) come at most this often, in milliseconds. */
const PROGRESS_MS = 5000;

/**
 * Logs from time to time how many documents something happened to: enough to see it, and not so much that it hides the
 * rest.
 */
export class ProgressLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #message: string;
  #documents = 0;
  #cancel: (() => void) | undefined;

  constructor(log: Logger, clock: Clock, message: string) {
    this.#log = log;
    this.#clock = clock;
    this.#message = message;
  }

  add(documents: number): void {
    if (documents === 0) return;
    this.#documents += documents;
    this.#cancel ??= this.#clock.after(PROGRESS_MS, () => this.flush());
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#documents > 0) this.#log.info(this.#message, { documents: this.#documents });
    this.#documents = 0;
  }
}
