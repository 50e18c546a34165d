import type { Document } from "mongodb";
import { ClaimModeError } from "../../errors.ts";
import { validDate } from "../../lib/valid_date.ts";
import { shortened } from "../../text/shortened.ts";
import type { ClaimMode } from "./claim_mode.ts";
import { CHANGE_MS, isFar, LATE_MS, MODE_LEASE_MS } from "./mode_times.ts";
import { changedByUser, changedIn, NO_MODE } from "./ranges_document.ts";

const WAIT = `wait ${CHANGE_MS / 1000} seconds and for their leases`;
const CHANGE = `stop all of them, ${WAIT}, then start all`;
/** So much of another agent's filter is told, in UTF-16 units. */
const MOST_OF_FILTER = 300;

/** What the document of the ranges tells of the agents that have the mode. */
export interface ToldMode {
  readonly filter: string | undefined;
  readonly mode: unknown;
}

/** Tells why an agent may not claim new documents beside others. */
export class ModeRefusals {
  readonly #own: OwnMode;

  constructor(own: OwnMode) {
    this.#own = own;
  }

  /** Undefined if it may, as far as the mode and the `FILTER` of the others tell. */
  beside({ filter, mode }: ToldMode): ClaimModeError | undefined {
    const own = this.#own;
    if (mode === own.mode && (mode === "document" || filter === own.filter)) return undefined;
    if (mode === NO_MODE) return this.#afterRemoval();
    if (mode !== own.mode) return this.#ofOtherMode();
    return new ClaimModeError(
      `With CLAIM_MODE=range all agents of a collection have the same FILTER, and the others have ${
        filter === undefined ? "none" : shortened(filter, MOST_OF_FILTER)
      }: set the same, or ${CHANGE} with the new one`,
      { isOfOthers: true },
    );
  }

  /**
   * The reason of an agent that could not take its mode.
   *
   * @param found the document of the ranges; null if it was removed meanwhile
   * @param isOtherAlive whether an agent of the other mode shows itself
   * @param now the server's time
   */
  notTaken(
    found: Document | null,
    { isOtherAlive, now }: { isOtherAlive: boolean; now: Date },
  ): ClaimModeError {
    const own = this.#own;
    const until = validDate(found?.mode_until);
    const isLive = until !== undefined && until > now;
    // If agents of this mode have it, they are in the way, or what a user has changed.
    if (isOtherAlive && !(isLive && found?.mode === own.mode)) return this.#ofOtherMode();
    if (!found) return this.#whileOthersChange();
    const changed = changedIn(found);
    if (changed) return changedByUser(changed);
    const { mode } = found;
    const refusal = this.beside({
      mode,
      filter: typeof found.filter === "string" ? found.filter : undefined,
    });
    if (!refusal) return this.#whileOthersChange();
    // It waits for the leases of its maker, which may be longer than this agent's.
    if (mode === NO_MODE) return refusal;
    if (until && isFar(until, { now, longestMs: MODE_LEASE_MS })) return this.#untilFar(mode, until);
    return isLive || until === undefined ? refusal : this.#afterEnd(mode, found.ranges);
  }

  #whileOthersChange(): ClaimModeError {
    return new ClaimModeError(
      `The agents change the mode in which they claim: CLAIM_MODE=${this.#own.mode} begins when that is done`,
    );
  }

  /** Those that had the mode do not renew it. */
  #afterEnd(mode: ClaimMode, ranges: unknown): ClaimModeError {
    const own = this.#own;
    const others = mode === own.mode ? "another FILTER" : `CLAIM_MODE=${mode}`;
    return own.mode === "document" || (Array.isArray(ranges) && ranges.length > 0)
      ? new ClaimModeError(
        `CLAIM_MODE is ${own.mode}, and agents with ${others} that have ended hold documents: they are claimed when their ` +
          "leases have run out",
      )
      : new ClaimModeError(
        `CLAIM_MODE is ${own.mode}, and agents with ${others} have just ended: new documents are claimed ${
          LATE_MS / 1000
        } seconds after their mode, when no claim of theirs can come late`,
      );
  }

  #untilFar(mode: ClaimMode, until: Date): ClaimModeError {
    const own = this.#own;
    const what = mode === own.mode ? "another FILTER" : `CLAIM_MODE=${mode}`;
    return new ClaimModeError(
      `CLAIM_MODE is ${own.mode}, and the document "ranges", in the collection of the agents, has ${what} until ` +
        `${until.toISOString()}, as if the server's clock had been ahead: stop all agents, ${WAIT}, remove the document, then ` +
        "start all in one mode",
      { isOfOthers: true },
    );
  }

  #afterRemoval(): ClaimModeError {
    const seconds = Math.ceil((this.#own.waitMs + LATE_MS) / 1000);
    return new ClaimModeError(
      'The document "ranges" was removed from the collection of the agents while agents worked: new documents are claimed ' +
        `again when the leases of that time have run out, which takes ${seconds} seconds with this LEASE_DURATION: to go ` +
        "on sooner, stop all agents, remove the document again when they have ended, and start them",
    );
  }

  #ofOtherMode(): ClaimModeError {
    const { mode } = this.#own;
    const other = mode === "range" ? "document" : "range";
    return new ClaimModeError(
      `CLAIM_MODE is ${mode}, and agents with CLAIM_MODE=${other} work on the collection: to change the mode, ` +
        `${CHANGE} in the new mode`,
      { isOfOthers: true },
    );
  }
}

/** How the agent claims. */
export interface OwnMode {
  /** What `FILTER` says, in one form. */
  readonly filter: string | undefined;
  readonly mode: ClaimMode;
  /** All leases of modes and ranges last for so long at most, in milliseconds. */
  readonly waitMs: number;
}
