import type { Clock } from "../../lib/clock.ts";
import { countRefusal, NO_REFUSALS, type RefusalCount } from "../../lib/refusal_count.ts";
import { idKey } from "../documents/id_key.ts";

/** A document whose claim MongoDB refused is left alone for this long, in milliseconds: an operator may mend it. */
const LEFT_ALONE_MS = 60_000;
/** Refused again, it is left alone for twice as long each time, up to this, in milliseconds. */
const LEFT_ALONE_MAX_MS = 3_600_000;
/** Ids that are remembered, at most, so that the queries that leave them out stay small. */
const MAX_IDS = 5000;

/**
 * If the refusal may be the server's trouble, the document is left out for this long, so that others are tried, in
 * milliseconds, ...
 */
const DOUBT_MS = 1000;
/**
 * ... and for twice as long each time that nothing was claimed since, up to this: as long as ten claims that fail, with
 * their longest waits. Otherwise claims would try the first few batches again and again, and never a document behind them.
 */
const DOUBT_MAX_MS = 60_000;
/** A document that seems to be locked is passed over for so long, in milliseconds, and for twice as long each time, ... */
const LOCKED_MS = 2000;
/** ... up to this, in milliseconds: each try takes time from the claims of others. */
const LOCKED_MAX_MS = 16_000;
/** Such a document is forgotten if it is not met again for this long, in milliseconds. */
const FORGET_MS = 60_000;
/**
 * After this many refusals, each with claims of other documents accepted since the one before it, the server is not in
 * trouble.
 */
const CONVINCING = 3;

interface Doubt extends RefusalCount {
  id: unknown;
  error: unknown;
  untilMs: number;
  /** How long it is left out in doubt, in milliseconds; undefined while it is passed over as locked. */
  doubtMs?: number | undefined;
  /** How long it was passed over as locked. */
  lockedMs?: number;
}

interface Refused {
  id: unknown;
  /** What MongoDB said. */
  error: unknown;
  leftAloneMs: number;
  untilMs: number;
}

/**
 * Ids of documents that cannot be claimed. One of them must not keep all others from being claimed, and many of them
 * must not keep the agent busy with claims that are refused.
 */
export class ExcludedIds {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Refused>();
  readonly #doubts = new Map<string, Doubt>();
  #accepted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of documents that were claimed. */
  accepted(documents: number): void {
    this.#accepted += documents;
  }

  /**
   * Takes note of a refusal that the document may not be at fault for. Returns whether it is by now: then {@linkcode
   * add} was called. See `Doubts`, which has the same rule for outcomes.
   */
  doubt(id: unknown, error: unknown): boolean {
    const key = idKey(id);
    const doubt = this.#doubts.get(key) ?? { id, error, untilMs: 0, ...NO_REFUSALS };
    const before = doubt.counted;
    const counted = countRefusal(doubt, this.#accepted);
    this.#doubts.delete(key);
    if (counted >= CONVINCING || this.#byKey.has(key)) {
      this.add(id, error);
      return true;
    }
    const doubtMs = counted > before ? DOUBT_MS : Math.min(2 * (doubt.doubtMs ?? DOUBT_MS), DOUBT_MAX_MS);
    this.#doubts.set(key, { ...doubt, error, doubtMs, untilMs: this.#clock.monotonicMs() + doubtMs });
    this.#bound();
    return false;
  }

  #bound(): void {
    if (this.#doubts.size > MAX_IDS) this.#doubts.delete(this.#doubts.keys().next().value!);
  }

  /** Takes note of a document that a transaction of another program seems to lock: it is passed over for a moment, and longer if it was tried again. */
  locked(id: unknown, error: unknown, isTried = true): void {
    const key = idKey(id);
    const known = this.#doubts.get(key);
    const longerMs = isTried ? 2 * (known?.lockedMs ?? 0) : 0;
    const lockedMs = Math.min(Math.max(LOCKED_MS, longerMs), LOCKED_MAX_MS);
    this.#doubts.delete(key);
    const untilMs = this.#clock.monotonicMs() + lockedMs;
    this.#doubts.set(key, { ...NO_REFUSALS, ...known, id, error, doubtMs: undefined, lockedMs, untilMs });
    this.#bound();
  }

  /** Takes note that nothing else is left to claim: documents in doubt may be tried again, as they keep no others waiting. */
  nothingElse(): void {
    const now = this.#clock.monotonicMs();
    for (const doubt of this.#doubts.values()) {
      if (doubt.doubtMs !== undefined) doubt.untilMs = Math.min(doubt.untilMs, now);
    }
  }

  /**
   * Why documents were left out at any time since `sinceMs` that may not be at fault; undefined if there were none: only
   * then may nothing be left.
   */
  doubtedSince(sinceMs: number): unknown {
    return this.#doubts.values().find(({ untilMs }) => untilMs > sinceMs)?.error;
  }

  /** Remembers an id for a while, and why; longer each time. */
  add(id: unknown, error?: unknown): void {
    const key = idKey(id);
    const known = this.#byKey.get(key);
    const leftAloneMs = known ? Math.min(2 * known.leftAloneMs, LEFT_ALONE_MAX_MS) : LEFT_ALONE_MS;
    this.#byKey.delete(key);
    this.#byKey.set(key, { id, error, leftAloneMs, untilMs: this.#clock.monotonicMs() + leftAloneMs });
    if (this.#byKey.size > MAX_IDS) this.#byKey.delete(this.#byKey.keys().next().value!);
  }

  /** The ids to leave alone now. */
  get ids(): unknown[] {
    const now = this.#clock.monotonicMs();
    const ids: unknown[] = [];
    for (const [key, { id, untilMs, leftAloneMs }] of this.#byKey) {
      if (untilMs > now) ids.push(id);
      // It was not met again in all the time that it was left alone: it was mended, or it is gone.
      else if (untilMs + leftAloneMs <= now) this.#byKey.delete(key);
    }
    for (const [key, { id, untilMs }] of this.#doubts) {
      if (untilMs > now) ids.push(id);
      else if (untilMs + FORGET_MS <= now) this.#doubts.delete(key);
    }
    return ids;
  }

  /** The ids that are left alone now because MongoDB refused their claims. */
  get refused(): unknown[] {
    const now = this.#clock.monotonicMs();
    return this.#byKey.values().filter(({ untilMs }) => untilMs > now).map(({ id }) => id).toArray();
  }

  /** All ids that are remembered, with MongoDB's last answer of each kind of error. */
  get byReason(): [error: unknown, ids: unknown[]][] {
    const groups = Map.groupBy(this.#byKey.values(), ({ error }) => codeOf(error));
    return [...groups.values()].map((group) => [group.at(-1)!.error, group.map(({ id }) => id)]);
  }

  /** Forgets all: they may be claimed again. */
  clear(): void {
    this.#byKey.clear();
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code ?? String(error);
}
