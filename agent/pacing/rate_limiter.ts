import type { Clock } from "../lib/clock.ts";
import { doneBy } from "../lib/deadline.ts";
import type { Rate } from "../settings/rate.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Documents are claimed so far ahead of their start, in milliseconds: with the claim itself, none waits for a second. */
const AHEAD_MS = 900;
/** A claim brings what this time lets start at least, in milliseconds: otherwise each document would be a round trip. */
const LEAST_CLAIM_MS = 500;
/** Room that no token can bring is looked for this often, in milliseconds: documents that wait for a slot have to start. */
const LOOK_AGAIN_MS = 250;

/** What a {@linkcode RateLimiter} may hold back. */
type Held = "claims" | "starts";

/**
 * Keeps an agent to `RATE_LIMIT`: how many documents it may start now, and how many it may claim, so that none of them
 * waits much longer than a second for its start.
 *
 * The agent has all of the limit, or the share of the fleet's that it was given last, until that runs out. Without a
 * share it starts nothing.
 */
export class RateLimiter {
  readonly limit: Rate;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #listeners: (() => void)[] = [];
  #share: Share;
  /** The share that the listeners know of. */
  #toldFraction: number;
  /** Resolved once the share has changed; undefined if no part waits for that. */
  #changed: PromiseWithResolvers<void> | undefined;
  readonly #held = new Set<Held>();
  #heldSinceMs = 0;
  #heldMs = 0;

  constructor({ clock, limit, share }: RateLimiterOptions) {
    this.limit = limit;
    this.#clock = clock;
    this.#bucket = new TokenBucket(clock.monotonicMs());
    this.#share = share;
    this.#toldFraction = share.fraction;
    this.#setRate();
  }

  /** The part of the limit that the agent has now. */
  get share(): Share {
    this.#look();
    return this.#share;
  }

  /** Documents that it may start in a second, as long as its share stays the same. */
  get perSecond(): number {
    this.#look();
    return this.#bucket.perMs * 1000;
  }

  /** How long the limit alone has kept the agent from claiming or starting documents, in milliseconds. */
  get heldMs(): number {
    return this.#heldMs + (this.isHolding ? this.#clock.monotonicMs() - this.#heldSinceMs : 0);
  }

  /** Whether it does so now. */
  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  /** The agent has this share from now on. */
  setShare(share: Share): void {
    this.#look();
    this.#share = share;
    this.#setRate();
    if (share.fraction !== this.#toldFraction) this.#tell();
  }

  /** Calls `listener` whenever the share has changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Of `count` documents that are to start together, how many can: all, unless a second does not give as many. */
  together(count: number): number {
    this.#look();
    return Math.min(count, Math.max(1, Math.floor(this.#bucket.capacity)));
  }

  /** How long until so many documents may start, in milliseconds; infinite as long as the agent has no share. */
  startInMs(count: number): number {
    return this.#bucket.inMs(count, this.#look());
  }

  /** So many documents start. */
  started(count: number): void {
    this.#bucket.take(count, this.#look());
  }

  /** Documents that may start within a second, those that are claimed already included. */
  get startable(): number {
    return this.#bucket.soon(AHEAD_MS, this.#look());
  }

  /** How many of `most` documents may be claimed, while others that are claimed wait; 0 if a claim is not worth it yet. */
  claimable(most: number, waiting: number): number {
    const room = this.startable - waiting;
    return room >= this.#leastOf(most) ? Math.min(room, most) : 0;
  }

  /** How long until that is worth another look, in milliseconds; infinite as long as the agent has no share. */
  claimableInMs(most: number, waiting: number): number {
    const nowMs = this.#look();
    const { capacity, perMs } = this.#bucket;
    const tokens = this.#leastOf(most) + waiting - perMs * AHEAD_MS;
    return perMs > 0 && tokens > capacity ? LOOK_AGAIN_MS : this.#bucket.inMs(tokens, nowMs);
  }

  /** Resolves once the share has changed, after the time, or when `signal` aborts. */
  change(limitMs: number, signal: AbortSignal): Promise<void> {
    this.#changed ??= Promise.withResolvers();
    return doneBy(this.#changed.promise, { clock: this.#clock, limitMs, signal });
  }

  /** The limit alone keeps the agent from claiming, or from starting documents; or it does so no longer. */
  hold(what: Held, isHeld: boolean): void {
    if (isHeld === this.#held.has(what)) return;
    const nowMs = this.#clock.monotonicMs();
    if (this.isHolding) this.#heldMs += nowMs - this.#heldSinceMs;
    this.#heldSinceMs = nowMs;
    if (isHeld) this.#held.add(what);
    else this.#held.delete(what);
  }

  #leastOf(most: number): number {
    return Math.min(most, Math.max(1, Math.floor(this.#bucket.perMs * LEAST_CLAIM_MS)));
  }

  /** The time now. A share that has run out is gone by then, also in a process that was frozen. */
  #look(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= this.#share.untilMs && this.#share.fraction > 0) {
      this.#share = { ...this.#share, fraction: 0 };
      this.#bucket.setRate(0, nowMs);
    }
    return nowMs;
  }

  #setRate(): void {
    const { documents, perMs } = this.limit;
    this.#bucket.setRate(this.#share.fraction * documents / perMs, this.#clock.monotonicMs());
  }

  #tell(): void {
    this.#toldFraction = this.#share.fraction;
    this.#changed?.resolve();
    this.#changed = undefined;
    for (const listener of this.#listeners) listener();
  }
}

/** The part of a limit that an agent has. */
export interface Share {
  /** From 0 to 1. */
  readonly fraction: number;
  /** By the monotonic clock: when it runs out. */
  readonly untilMs: number;
  /** If the limit is the fleet's: what is known of its agents. */
  readonly fleet?: FleetSeen | undefined;
}

/** What one agent sees of the others, and itself. */
export interface FleetSeen {
  /** Agents that divide the limit. */
  readonly agents: number;
  /** Agents that have not been seen for a while, and have not ended as they should. */
  readonly silent: number;
}

/** All of the limit, for good. */
export const WHOLE: Share = { fraction: 1, untilMs: Infinity };
/** None of it. */
export const NO_SHARE: Share = { fraction: 0, untilMs: Infinity };

/** What a {@linkcode RateLimiter} needs. */
export interface RateLimiterOptions {
  clock: Clock;
  limit: Rate;
  /** What the agent has at first. */
  share: Share;
}
