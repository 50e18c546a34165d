import { errorText } from "../errors.ts";
import type { Details } from "../details.ts";
import type { Events } from "../events.ts";
import type { Pool } from "../handling/pool.ts";
import type { Clock } from "../lib/clock.ts";
import type { Claim, ClaimLimit, DocumentStore } from "../ports.ts";
import type { DrainingGate } from "./draining_gate.ts";

/** Claims, reports each claim, and hands its documents to the pool. Its methods throw what the store throws. */
export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Claims up to `limit`. */
  async claim(limit: ClaimLimit): Promise<Claim> {
    return await this.#taken((store) => store.claim(limit));
  }

  /** Claims one suspect, while nothing else is held. */
  async claimSuspect(): Promise<Claim> {
    return await this.#taken((store) => store.claimSuspect());
  }

  async #taken(send: (store: DocumentStore) => Promise<Claim>): Promise<Claim> {
    const { clock, details, gate: { closed }, store } = this.#options;
    const startedAtMs = clock.monotonicMs();
    let claim: Claim;
    try {
      claim = await send(store);
    } catch (error) {
      if (details?.isWanted) details.emit({ type: "claim_ended", startedAtMs, documents: [], error });
      throw error;
    }
    if (details?.isWanted) details.emit({ type: "claim_ended", startedAtMs, documents: claim.documents });
    return this.#take(claim, { startedAtMs, closed });
  }

  #take(claim: Claim, { startedAtMs, closed }: { startedAtMs: number; closed: AbortSignal }): Claim {
    const { clock, events, pool } = this.#options;
    const { conflicts, documents, refused, takeovers, newDocuments = 0 } = claim;
    const elapsedMs = clock.monotonicMs() - startedAtMs;
    const counts = { documents: documents.length, takeovers, conflicts };
    events.emit({ type: "claimed", ...counts, elapsedMs, ...(newDocuments > 0 && { newDocuments }) });
    for (const { id, error, isDeadLetter } of refused) {
      if (isDeadLetter) events.emit({ type: "dead_lettered", id, attempt: 0, error: errorText(error) });
      else events.emit({ type: "claim_refused", id, error });
    }
    // Paused or draining since the claim was sent, or the breaker has opened: nothing new starts.
    if (closed.aborted) pool.release(documents);
    else pool.add(documents);
    return claim;
  }
}

/** What an {@linkcode Intake} needs. */
export interface IntakeOptions {
  clock: Clock;
  events: Events;
  gate: Pick<DrainingGate, "closed">;
  /** Gets the end of each claim. */
  details?: Details | undefined;
  /** Takes what is claimed. */
  pool: Pick<Pool, "add" | "release">;
  store: DocumentStore;
}
