import { errorText } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "./logger.ts";

/**
 * Documents whose release is refused are gathered for this long, in milliseconds: a drain releases all of them at once.
 */
const GATHER_MS = 1000;
/** Ids that one line names, at most. */
const MAX_IDS = 100;

interface Refused {
  readonly ids: string[];
  readonly error: unknown;
}

/**
 * Names each document that MongoDB refuses to set back to pending. Documents that it refuses for the same reason share
 * a line.
 */
export class RefusedReleaseLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** By the code of the error: its text may differ from document to document. */
  readonly #refused = new Map<unknown, Refused>();
  #cancel: (() => void) | undefined;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  add(id: string, error: unknown): void {
    const code = (error as { code?: unknown } | null | undefined)?.code;
    const refused = this.#refused.get(code) ?? { ids: [], error };
    this.#refused.set(code, refused);
    refused.ids.push(id);
    if (refused.ids.length >= MAX_IDS) this.flush();
    else this.#cancel ??= this.#clock.after(GATHER_MS, () => this.flush());
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const { ids, error } of this.#refused.values()) {
      this.#log.error(
        "MongoDB refuses to set documents back to pending: an agent takes them over when their lease runs out",
        { documents: ids.length, ids, error: errorText(error) },
      );
    }
    this.#refused.clear();
  }
}
