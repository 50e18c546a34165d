import { errorText } from "../../agent/errors.ts";
import type { AgentEvent, Events } from "../../agent/events.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";

/**
 * If the first look finds nothing in a collection that is not empty, this logs once why: newcomers insert documents
 * without a status, or with another one.
 */
export class NothingFound {
  readonly #options: NothingFoundOptions;
  #hasLooked = false;
  #telling: Promise<void> = Promise.resolve();

  constructor(options: NothingFoundOptions) {
    this.#options = options;
    options.events.subscribe((event) => this.#observe(event));
  }

  /** Resolves once it is logged, or if it is not to be logged. Never rejects. */
  get told(): Promise<void> {
    return this.#telling;
  }

  #observe(event: AgentEvent): void {
    if (event.type !== "claimed" || this.#hasLooked) return;
    this.#hasLooked = true;
    if (event.documents === 0) this.#telling = this.#tell();
  }

  async #tell(): Promise<void> {
    const { hasFilter, log, store } = this.#options;
    try {
      const documents = await store.documentCount();
      if (documents === 0) return;
      const matching = hasFilter ? " and matches FILTER" : "";
      log.info(`No document of the collection has status "pending"${matching} and is due`, { documents });
    } catch (error) {
      log.debug("Cannot count the documents of the collection", { error: errorText(error) });
    }
  }
}

/** What {@linkcode NothingFound} needs. */
export interface NothingFoundOptions {
  events: Events;
  log: Logger;
  /** Whether documents have to match `FILTER` as well. */
  hasFilter: boolean;
  /** Returns how many documents the collection has, about. */
  store: { documentCount(): Promise<number> };
}
