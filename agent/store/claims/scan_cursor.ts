/** Where in the order of claims to read candidates: after an id, or so many further on; from the head where neither is given. */
export interface ScanStart {
  readonly after?: unknown;
  readonly skip?: number;
  /** Documents whose claim was refused are not passed over. */
  readonly isAll?: boolean;
}

/** What came of reading and claiming at a {@linkcode ScanStart}. */
export interface ClaimResult {
  ids: readonly unknown[];
  /** Candidates that others were faster to claim. */
  conflicts: number;
  /** There may be more behind them. */
  hasMore: boolean;
}

/** How a {@linkcode ScanCursor} works. */
export interface ScanCursorOptions {
  /** Documents of the kind are claimed in the order of their `_id`, so that an id says where to go on. */
  isById: boolean;
  random: () => number;
  /** Milliseconds that only grow. */
  nowMs: () => number;
}

const HEAD: ScanStart = {};
/** The first time others are in the way: how far to go, at the most, in claims. */
const FIRST_WINDOW = 32;
/** Each further time it is so many times as far; and so many times less far where nothing is left there. */
const WIDER = 4;
/** What is skipped is read by the server: about 1,000 small documents a millisecond, 30 of 60 KB. */
const MAX_WINDOW = 20_000;
/** Claims away from the head, at the most: what waits there must not wait for ever. */
const CLAIMS_AHEAD = 64;
/** Milliseconds away from the head, at the most: claims may be minutes apart. */
const AHEAD_MS = 5000;

/**
 * Keeps agents that claim from one collection out of each other's way. All of them begin at the head; whoever finds that
 * others were faster goes to a random place further on and follows the order from there, in a lane of its own, until it
 * meets somebody, comes to the end, or has been away for long.
 */
export class ScanCursor {
  readonly #options: ScanCursorOptions;
  #window = 0;
  #place: ScanStart = HEAD;
  #away = 0;
  #leftAtMs = 0;

  constructor(options: ScanCursorOptions) {
    this.#options = options;
  }

  /** Where to read next. */
  get place(): ScanStart {
    return this.#place;
  }

  /** Before each claim: goes back to the head where it has been away for long. */
  begin(): void {
    if (this.#away >= CLAIMS_AHEAD || this.#options.nowMs() - this.#leftAtMs >= AHEAD_MS) this.#return();
  }

  /** The place cannot be read: further on it costs the server more than at the head, and may take longer than it may. */
  failed(): void {
    this.#window = 0;
    this.#return();
  }

  /** Elsewhere there may be documents even where there are none here. */
  get isAhead(): boolean {
    return this.#place !== HEAD;
  }

  /** Nothing is left here. */
  recordEmpty(): void {
    this.#window = Math.floor(this.#window / WIDER);
    if (this.#place.skip === undefined || this.#window === 0) this.#return();
    else this.#place = this.#anywhere();
  }

  /** Takes note of a claim at the place. */
  recordClaim({ conflicts, ids, hasMore }: ClaimResult): void {
    if (this.isAhead) this.#away += 1;
    if (conflicts > 0) return this.#meet(ids.length, hasMore);
    if (!this.isAhead) return;
    if (!hasMore) this.#return();
    else this.#place = this.#options.isById ? { after: ids.at(-1) } : this.#anywhere();
  }

  #meet(documents: number, hasMore: boolean): void {
    // Behind the last documents there is no place to go to.
    if (!hasMore) return this.#return();
    if (!this.isAhead) this.#leftAtMs = this.#options.nowMs();
    this.#window = Math.min(MAX_WINDOW, Math.max(FIRST_WINDOW * documents, this.#window * WIDER));
    this.#place = this.#anywhere();
  }

  #anywhere(): ScanStart {
    return { skip: 1 + Math.floor(this.#options.random() * this.#window) };
  }

  #return(): void {
    this.#place = HEAD;
    this.#away = 0;
  }
}
