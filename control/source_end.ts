import type { Agent } from "../agent/agent.ts";
import { SourceError } from "../agent/errors.ts";
import type { Events } from "../agent/events.ts";

/** Ends an agent whose source is not a collection, or does not exist and is not to be waited for. */
export class SourceEnd {
  #status = 0;

  /** Watches the claims of `agent`; a run until nothing is left waits for no collection. */
  constructor(events: Events, agent: Agent, { untilEmpty }: { untilEmpty: boolean }) {
    events.subscribe((event) => {
      if (event.type !== "claim_failed" || !(event.error instanceof SourceError)) return;
      const { isLasting, message } = event.error;
      if (!isLasting && !untilEmpty) return;
      this.#status = isLasting ? 2 : 1;
      agent.drain(message);
    });
  }

  /** The exit status with which it has ended the agent; 0 if it has not. */
  get status(): number {
    return this.#status;
  }
}
