import type { Clock } from "../../lib/clock.ts";
import type { EagerClient } from "./eager_client.ts";

/** Clients that were replaced. Each is closed a little later, as operations are still under way there. */
export class RetiredClients {
  readonly #clock: Clock;
  /** And the functions that cancel their ends. */
  readonly #cancels = new Map<EagerClient, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Closes a client after `limitMs` milliseconds: by then its operations have an answer, or never will. */
  add(client: EagerClient, limitMs: number): void {
    const close = () => {
      this.#cancels.delete(client);
      client.close().catch(() => {});
    };
    this.#cancels.set(client, this.#clock.after(limitMs, close));
  }

  /** Those that are not closed, for the caller to close. */
  take(): EagerClient[] {
    for (const cancel of this.#cancels.values()) cancel();
    const clients = [...this.#cancels.keys()];
    this.#cancels.clear();
    return clients;
  }
}
