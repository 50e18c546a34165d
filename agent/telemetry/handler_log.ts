import type { AgentEvent } from "../events.ts";
import type { Logger } from "./logger.ts";

type EventOf<Type extends AgentEvent["type"]> = Extract<AgentEvent, { type: Type }>;

/** Logs what handlers do besides failing: work that goes on too long, results and errors that are lost. */
export class HandlerLog {
  readonly #log: Logger;
  readonly #formatId: (id: unknown) => string;
  #isIgnoredTold = false;

  constructor(log: Logger, formatId: (id: unknown) => string) {
    this.#log = log;
    this.#formatId = formatId;
  }

  timedOut({ id, timeoutMs }: EventOf<"handler_timed_out">): void {
    this.#log.warn("The processor took longer than PROCESS_TIMEOUT", { id: this.#formatId(id), timeoutMs });
  }

  returnedLate({ id, elapsedMs }: EventOf<"handler_returned_late">): void {
    this.#log.warn("The processor returned after it had been told to stop: its result is not used", {
      id: this.#formatId(id),
      elapsedMs: Math.round(elapsedMs),
    });
  }

  /** Logs only the first one: a handler that returns one returns one for each document. */
  ignored({ id, fields }: EventOf<"result_ignored">): void {
    if (this.#isIgnoredTold) return;
    this.#isIgnoredTold = true;
    this.#log.warn(
      'The processor returned an object without "set", which is ignored: fields are written with { set: { ... } }',
      { id: this.#formatId(id), fields: fields.join(", ") },
    );
  }

  stray({ error, isPromise, at }: EventOf<"unhandled_error">): void {
    const fields = { ...(at === undefined ? {} : { at }), ...this.#log.errorFields(error) };
    if (isPromise) {
      this.#log.error(
        "A promise that was not awaited has failed, and no document with it: await it in the processor",
        fields,
      );
    } else {
      this.#log.error(
        "An error that no code caught, of the processor's module or of the agent, belongs to no document",
        fields,
      );
    }
  }
}
