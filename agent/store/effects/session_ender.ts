import type { ClientSession } from "mongodb";
import { sleep } from "../../lib/deadline.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Link } from "../connection/link.ts";
import { isTransient } from "../mongo_errors.ts";

/** The time between two tries, in milliseconds. */
const RETRY_MS = 500;
/** By then the server has ended it by itself, in milliseconds: its limit of 60 s, and half of that until it looks. */
const LIFETIME_MS = 90_000;

/**
 * Ends sessions whose transaction may be open still, since its end has no answer. An open one keeps its documents locked:
 * the agent itself could not write to them until the server gives the transaction up. The client that began it may be
 * gone by then, so the present one ends it, by the id of the session.
 */
export class SessionEnder {
  readonly #options: SessionEnderOptions;
  /** The sessions that are to be ended, each with the try that is under way. */
  readonly #open = new Map<ClientSession, Promise<void>>();

  constructor(options: SessionEnderOptions) {
    this.#options = options;
  }

  /** Ends `session`, in the background. */
  end(session: ClientSession): void {
    this.#open.set(session, this.#untilEnded(session).finally(() => this.#open.delete(session)));
  }

  /** Resolves once no session is open that was to be ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#open.values());
  }

  /** Never throws. */
  async #untilEnded(session: ClientSession): Promise<void> {
    const { clock, link } = this.#options;
    const untilMs = clock.monotonicMs() + LIFETIME_MS;
    while (!link.closed.aborted && !await this.#isEnded(session) && clock.monotonicMs() < untilMs) {
      await sleep(clock, RETRY_MS, link.closed);
    }
    // The driver still believes in its transaction.
    session.endSession().catch(() => {});
  }

  async #isEnded({ id }: ClientSession): Promise<boolean> {
    const { link } = this.#options;
    try {
      await link.run(() => link.db("admin").command({ killSessions: [id] }));
      return true;
    } catch (error) {
      // A server that refuses the command would do so each time.
      return !isTransient(error);
    }
  }
}

/** What a {@linkcode SessionEnder} needs. */
export interface SessionEnderOptions {
  link: Pick<Link, "closed" | "db" | "run">;
  clock: Clock;
}
