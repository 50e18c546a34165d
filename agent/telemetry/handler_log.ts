import type { EventOf } from "../events.ts";
import type { GroupedLog } from "./grouped_log.ts";
import { eventLine } from "./line_kind.ts";
import type { Logger } from "./logger.ts";

const TIMED_OUT = eventLine("WARNING", "The processor took longer than PROCESS_TIMEOUT");
const RETURNED_LATE = eventLine(
  "WARNING",
  "The processor returned after it had been told to stop: its result is not used",
);
const STRAY_PROMISE = eventLine(
  "ERROR",
  "A promise that was not awaited has failed, and no document with it: await it in the processor",
);
const STRAY_ERROR = eventLine(
  "ERROR",
  "An error that no code caught, of the processor's module or of the agent, belongs to no document",
);

/** Logs what handlers do: those that fail, work that goes on too long, results and errors that are lost. */
export class HandlerLog {
  readonly #log: Logger;
  readonly #grouped: GroupedLog;
  readonly #formatId: (id: unknown) => string;
  #isIgnoredTold = false;

  constructor(log: Logger, grouped: GroupedLog, formatId: (id: unknown) => string) {
    this.#log = log;
    this.#grouped = grouped;
    this.#formatId = formatId;
  }

  /** A failure is logged once its outcome is written: this line names the place. */
  failed({ id, attempt, error }: EventOf<"handler_failed">): void {
    if (!this.#log.writes("DEBUG")) return;
    this.#log.debug("The processor failed", {
      id: this.#formatId(id),
      attempt,
      ...this.#log.errorFields(error),
    });
  }

  /**
   * If the document ends the process, this is the last line, and tells which it was: what is gathered would be lost. There
   * are no more of these than documents that agents held twice when they ended.
   */
  runsAlone({ id, attempt }: EventOf<"runs_alone">): void {
    this.#log.warn(
      "A document runs alone: agents have ended or frozen while they held it, and it may be the cause",
      { id: this.#formatId(id), attempt },
    );
  }

  timedOut({ id, attempt, timeoutMs }: EventOf<"handler_timed_out">): void {
    const fields = () => ({ id: this.#formatId(id), attempt, timeoutMs });
    this.#grouped.report(TIMED_OUT, { documents: 1, fields });
  }

  returnedLate({ id, attempt, elapsedMs }: EventOf<"handler_returned_late">): void {
    const fields = () => ({ id: this.#formatId(id), attempt, elapsedMs: Math.round(elapsedMs) });
    this.#grouped.report(RETURNED_LATE, { documents: 1, fields });
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
    const fields = () => ({ ...(at === undefined ? {} : { at }), ...this.#log.errorFields(error) });
    this.#grouped.report(isPromise ? STRAY_PROMISE : STRAY_ERROR, { error, fields });
  }
}
