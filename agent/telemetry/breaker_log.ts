import { errorText } from "../errors.ts";
import type { EventOf } from "../events.ts";
import type { Logger } from "./logger.ts";

/** Logs that the processor fails for all documents, and the end of that. */
export class BreakerLog {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  opened({ error, isAgain, openForMs, retryInMs }: EventOf<"breaker_opened">): void {
    const fields = { error: errorText(error), retryInMs };
    if (!isAgain) this.#log.warn("The processor fails for one document after the other: claims wait", fields);
    else {
      this.#log.warn("The processor still fails: claims wait", {
        ...fields,
        openForMs: Math.round(openForMs),
      });
    }
  }

  halfOpened(): void {
    this.#log.debug("One document is tried, to see whether the processor works again");
  }

  closed({ openForMs }: EventOf<"breaker_closed">): void {
    this.#log.info("The processor works again: claims go on", { openForMs: Math.round(openForMs) });
  }
}
