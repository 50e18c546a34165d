import type { Clock } from "./clock.ts";
import { atDeadline } from "./deadline.ts";

/**
 * A sleep that others may cut short.
 *
 * A call of {@linkcode InterruptibleSleep.wake} while no part sleeps ends the next sleep at once, so that no hint is
 * lost between two sleeps.
 */
export class InterruptibleSleep {
  readonly #clock: Clock;
  #pending = false;
  #end: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the sleep in progress, or the next one. */
  wake(): void {
    if (this.#end) this.#end();
    else this.#pending = true;
  }

  /** Forgets a wake-up that waits for the next sleep: its caller is about to look anyway. */
  forget(): void {
    this.#pending = false;
  }

  /** Resolves after `delayMs`, on {@linkcode InterruptibleSleep.wake}, or if `signal` aborts: at the first of these. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#pending || signal?.aborted || delayMs <= 0) {
      this.#pending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const end = () => {
        this.#end = undefined;
        resolve();
      };
      const cancel = atDeadline({ clock: this.#clock, limitMs: delayMs, signal }, end);
      this.#end = () => {
        cancel();
        end();
      };
    });
  }
}
