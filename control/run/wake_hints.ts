import type { Agent } from "../../agent/agent.ts";
import { errorText } from "../../agent/errors.ts";
import type { AgentEvent, Events } from "../../agent/events.ts";
import type { MongoStore } from "../../agent/store/mongo_store.ts";
import type { WakeStream } from "../../agent/store/wake_stream.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";

/** Wakes the loop when documents change, if the server has change streams. */
export class WakeHints {
  readonly #stream: WakeStream;

  constructor({ agent, events, log, source, store }: WakeHintsOptions) {
    this.#stream = store.streams.wake({
      onHint: () => agent.wake(),
      onCanceled: () => agent.lookForCanceled(),
      onListening: (isListening) => agent.hearsOfCancels = isListening,
      onUnsupported: (reason) => {
        const mend = mendOf(reason, source);
        log.info("This server tells of no changes: documents are found by polling alone", {
          reason,
          ...(mend !== undefined && { mend }),
        });
      },
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
  /** The collection whose changes are followed. */
  source: { readonly database: string; readonly collection: string };
  store: MongoStore;
}

/** How to switch streams on, on a server that has them and asks for that. */
function mendOf(reason: string, { collection, database }: WakeHintsOptions["source"]): string | undefined {
  if (!reason.includes("modifyChangeStreams")) return undefined;
  const command = JSON.stringify({ modifyChangeStreams: 1, database, collection, enable: true });
  return `in mongosh: db.getSiblingDB("admin").runCommand(${command})`;
}
