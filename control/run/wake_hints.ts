import type { Agent } from "../../agent/agent.ts";
import { errorText } from "../../agent/errors.ts";
import type { AgentEvent, Events } from "../../agent/events.ts";
import type { MongoStore } from "../../agent/store/mongo_store.ts";
import type { WakeStream } from "../../agent/store/wake_stream.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";

/** Wakes the loop when documents change, if the server has change streams. */
export class WakeHints {
  readonly #stream: WakeStream;

  constructor({ agent, events, log, store }: WakeHintsOptions) {
    this.#stream = store.wakeStream({
      onHint: () => agent.wake(),
      onCanceled: () => agent.lookForCanceled(),
      onListening: (isListening) => agent.hearsOfCancels = isListening,
      onUnsupported: (reason) =>
        log.info("This server tells of no changes: documents are found by polling alone", { reason }),
      onTrouble: (error) =>
        log.warn("Cannot follow the changes of the collection: documents are found by polling alone", {
          error: errorText(error),
        }),
    });
    events.subscribe((event) => this.#observe(event));
  }

  start(): void {
    this.#stream.start();
  }

  async stop(): Promise<void> {
    await this.#stream.stop();
  }

  #observe(event: AgentEvent): void {
    if (event.type === "progress" && event.stage === "idle") this.#stream.loopIdle();
    if (event.type === "claimed") this.#stream.claimed(event.documents);
  }
}

/** What {@linkcode WakeHints} need. */
export interface WakeHintsOptions {
  agent: Agent;
  events: Events;
  log: Logger;
  store: MongoStore;
}
