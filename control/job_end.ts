import { CANNOT_CLAIM, NOTHING_LEFT } from "../agent/agent.ts";
import { errorText } from "../agent/errors.ts";
import type { AgentEvent, Events } from "../agent/events.ts";
import type { LeftAlone } from "../agent/ports.ts";
import { formatId } from "../agent/store/format_id.ts";
import type { Logger } from "../agent/telemetry/logger.ts";

/** How a run ended that was to end when nothing is left: with nothing left, with documents left, or as no claim succeeds. */
export class JobEnd {
  #reason: string | undefined;
  #left: readonly LeftAlone[] = [];
  #error: unknown;

  constructor(events: Events) {
    events.subscribe((event) => this.#observe(event));
  }

  /** The run was to end when nothing is left, and something is. */
  get isFailure(): boolean {
    return this.#reason === CANNOT_CLAIM || (this.#reason === NOTHING_LEFT && this.#left.length > 0);
  }

  /** Says how it ended; nothing if the agent was told to stop. */
  tell(log: Logger, counters: Readonly<Record<string, number>>): void {
    if (this.#reason === CANNOT_CLAIM) {
      log.error("Gave up before nothing was left: claims fail, and no wait mends it", {
        error: errorText(this.#error),
      });
    }
    if (this.#reason !== NOTHING_LEFT) return;
    if (this.#left.length === 0) return log.info("Nothing claimable is left", counters);
    const [{ example, reason }] = this.#left as [LeftAlone];
    log.error("Documents are left that cannot be claimed", {
      documents: this.#left.reduce((sum, { documents }) => sum + documents, 0),
      example: formatId(example),
      reason: errorText(reason),
      ...counters,
    });
  }

  #observe(event: AgentEvent): void {
    if (event.type === "drain_started") this.#reason = event.reason;
    if (event.type === "left_alone") this.#left = event.groups;
    if (event.type === "claim_failed") this.#error = event.error;
  }
}
