import type { AgentEvent, Events } from "../agent/events.ts";
import { builtins, namesOf } from "../agent/lib/builtin_watch.ts";
import { isUnexplained } from "../agent/store/mongo_errors.ts";
import type { Logger } from "../agent/telemetry/logger.ts";

/** Failures of the agent's own work, for which no handler is at fault. */
const OWN = new Set<AgentEvent["type"]>(["claim_failed", "settle_failed", "renew_failed"]);

/** Puts back the built-ins that a processor's module has changed, and logs each name once. */
export class ChangedBuiltins {
  readonly #options: ChangedBuiltinsOptions;
  readonly #told = new Set<string>();

  constructor(options: ChangedBuiltinsOptions) {
    this.#options = options;
    builtins.onPutBack = (names) => this.#tell(names);
    builtins.onFailure = (names) => this.#failed(names);
    options.events.subscribe((event) => this.#observe(event));
  }

  /** Whether the agent had to stop because of it. */
  isFailure = false;

  #observe(event: AgentEvent): void {
    const { error } = event as { error?: unknown };
    if (OWN.has(event.type) && isUnexplained(error)) this.#tell(builtins.putBackAll());
  }

  /** The agent itself may have been interrupted: it releases what it holds, because the state of that is not known. */
  #failed(names: readonly string[]): void {
    this.#tell(names);
    this.isFailure = true;
    this.#options.agent.force("the processor's module has changed what is built in");
  }

  #tell(names: readonly string[]): void {
    const news = names.filter((name) => !this.#told.has(name));
    if (news.length === 0) return;
    for (const name of news) this.#told.add(name);
    this.#options.log.error(
      "The processor's module has changed what is built in, which the agent needs, too: it is put back; remove that " +
        "from the module",
      { changed: namesOf(news) },
    );
  }
}

/** What a {@linkcode ChangedBuiltins} needs. */
export interface ChangedBuiltinsOptions {
  agent: { force(reason: string): void };
  events: Events;
  log: Pick<Logger, "error">;
}
