import type { Details, OperationKind } from "../../details.ts";
import type { Clock } from "../../lib/clock.ts";

/** Tells how long operations took, if that is wanted. */
export class OperationTimer {
  readonly #clock: Clock;
  readonly #details: Details | undefined;

  constructor(clock: Clock, details: Details | undefined) {
    this.#clock = clock;
    this.#details = details;
  }

  /** Sends an operation. Returns and throws what it does. */
  time<T>(send: () => Promise<T>, operation: OperationKind): Promise<T> {
    return this.#details?.isWanted ? this.#timed(send, operation, this.#details) : send();
  }

  async #timed<T>(send: () => Promise<T>, operation: OperationKind, details: Details): Promise<T> {
    const startedAtMs = this.#clock.monotonicMs();
    let isOk = false;
    try {
      const answer = await send();
      isOk = true;
      return answer;
    } finally {
      details.emit({ type: "operation_ended", startedAtMs, operation, isOk });
    }
  }
}
