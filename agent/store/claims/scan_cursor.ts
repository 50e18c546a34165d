import type { TimeAndChance } from "../../lib/time_and_chance.ts";

/**
 * A place in the order of claims at which to read candidates: after an id, or after a number of documents; at the head
 * if neither is given.
 */
export interface ScanStart {
  readonly after?: unknown;
  readonly skip?: number;
  /** Whether to read documents whose claim MongoDB refused as well. */
  readonly withExcluded?: boolean;
}

/** The result of reading and claiming at a {@linkcode ScanStart}. */
export interface ClaimResult {
  ids: readonly unknown[];
  /** Candidates that other agents were faster to claim. */
  conflicts: number;
  /** There may be more behind them. */
  hasMore: boolean;
}

const HEAD: ScanStart = {};
/** The longest first jump, in claims. */
const FIRST_WINDOW = 32;
/** Each further conflict multiplies the longest jump by this; each empty start divides it by this. */
const WIDER = 4;
/**
 * The longest jump of all, in documents. The server reads what it skips: about 1,000 small documents per millisecond,
 * or 30 of 60 KB.
 */
const MAX_WINDOW = 20_000;
/** Claims ahead of the head, at most: the documents at the head must not wait forever. */
const CLAIMS_AHEAD = 64;
/** Time ahead of the head, at most, in milliseconds: claims may be minutes apart. */
const AHEAD_MS = 5000;

/**
 * The place in the order of claims at which an agent reads its next candidates. It keeps agents that share a collection
 * from reading, and trying to claim, the same documents.
 *
 * - At the head: the first documents in the order. All agents begin here, and a single agent stays here.
 * - Ahead: another agent has claimed some of the candidates first (a conflict). Agents at the head would meet at each
 *   claim, so the cursor jumps to a random start ahead, and goes on from there: after the last claimed id if the order is
 *   by `_id`, otherwise by another jump. Each conflict makes the jumps longer.
 *
 * An empty start ahead makes the jumps shorter. The cursor returns to the head when it comes to the end of the order,
 * when jumps are down to nothing, when reading ahead fails, and after 64 claims or 5 seconds ahead.
 */
export class ScanCursor {
  readonly #options: ScanCursorOptions;
  #start: ScanStart = HEAD;
  /** The longest jump, in documents. */
  #window = 0;
  #claimsAhead = 0;
  /** The longest jump that {@linkcode jumpFar} makes, in documents. */
  #farthest = MAX_WINDOW;
  #aheadSinceMs = 0;

  constructor(options: ScanCursorOptions) {
    this.#options = options;
  }

  /** The place to read next. */
  get start(): ScanStart {
    return this.#start;
  }

  /** Whether the start is not the head: then documents may be left even if none are found here. */
  get isAhead(): boolean {
    return this.#start !== HEAD;
  }

  /** Called before each claim: returns to the head if the cursor has been ahead for long. */
  begin(): void {
    const isLong = this.#options.clock.monotonicMs() - this.#aheadSinceMs >= AHEAD_MS;
    if (isLong || this.#claimsAhead >= CLAIMS_AHEAD) this.#returnToHead();
  }

  /**
   * Jumps to a random place, as far away as jumps go. It comes nearer if nothing is there. If reading ahead has failed,
   * jumps are shorter from then on, down to none: the documents may be so large that the server cannot skip many.
   */
  jumpFar(): void {
    this.#returnToHead();
    this.#window = this.#farthest;
    if (this.#window === 0) return;
    this.#aheadSinceMs = this.#options.clock.monotonicMs();
    this.#jump();
  }

  /** Records that reading at the start failed. It may have timed out ahead; at the head it costs the server less. */
  recordFailure(): void {
    if (this.isAhead) this.#farthest = Math.floor(this.#farthest / WIDER ** 2);
    this.#window = 0;
    this.#returnToHead();
  }

  /** Records that no candidates were found at the start. */
  recordEmpty(): void {
    this.#window = Math.floor(this.#window / WIDER);
    if (this.#start.skip === undefined || this.#window === 0) this.#returnToHead();
    else this.#jump();
  }

  /** Records a claim on the candidates at the start. */
  recordClaim(result: ClaimResult): void {
    if (this.isAhead) this.#claimsAhead += 1;
    if (result.conflicts > 0) this.#recordConflict(result);
    else if (this.isAhead) this.#advance(result);
  }

  #recordConflict({ hasMore, ids }: ClaimResult): void {
    // Behind the last documents there is nowhere to jump to.
    if (!hasMore) return this.#returnToHead();
    if (!this.isAhead) this.#aheadSinceMs = this.#options.clock.monotonicMs();
    this.#window = Math.min(MAX_WINDOW, Math.max(FIRST_WINDOW * ids.length, this.#window * WIDER));
    this.#jump();
  }

  #advance({ hasMore, ids }: ClaimResult): void {
    if (!hasMore) this.#returnToHead();
    else if (this.#options.isById) this.#start = { after: ids.at(-1) };
    else this.#jump();
  }

  #jump(): void {
    this.#start = { skip: 1 + Math.floor(this.#options.random() * this.#window) };
  }

  #returnToHead(): void {
    this.#start = HEAD;
    this.#claimsAhead = 0;
  }
}

/** How a {@linkcode ScanCursor} works. */
export interface ScanCursorOptions extends TimeAndChance {
  /** Documents of the kind are claimed in the order of their `_id`, so that the next ones come after the last id. */
  isById: boolean;
}
