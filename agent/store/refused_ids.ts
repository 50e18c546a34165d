import { idKey } from "./id_key.ts";

/** A document whose claim MongoDB refused is left alone for so long, in milliseconds: somebody may mend it. */
const LEFT_ALONE_MS = 60_000;
/** Refused again, it is left alone for twice as long each time, up to this, in milliseconds. */
const LEFT_ALONE_MAX_MS = 3_600_000;
/** Remembered at the most, so that the queries which leave them out stay small. */
const MAX_IDS = 5000;

interface Refused {
  id: unknown;
  /** What MongoDB said. */
  error: unknown;
  leftAloneMs: number;
  untilMs: number;
}

/**
 * Ids of documents that cannot be claimed: one of them must not keep all others from being claimed, and many of them
 * must not keep the agent busy with asking for what it is not given.
 */
export class RefusedIds {
  readonly #now: () => number;
  readonly #byKey = new Map<string, Refused>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Remembers an id for a while, and why; longer each time. */
  add(id: unknown, error?: unknown): void {
    const key = idKey(id);
    const known = this.#byKey.get(key);
    const leftAloneMs = known ? Math.min(2 * known.leftAloneMs, LEFT_ALONE_MAX_MS) : LEFT_ALONE_MS;
    this.#byKey.delete(key);
    this.#byKey.set(key, { id, error, leftAloneMs, untilMs: this.#now() + leftAloneMs });
    if (this.#byKey.size > MAX_IDS) this.#byKey.delete(this.#byKey.keys().next().value!);
  }

  /** The ids to leave alone now. */
  get ids(): unknown[] {
    const now = this.#now();
    const ids: unknown[] = [];
    for (const [key, { id, untilMs, leftAloneMs }] of this.#byKey) {
      if (untilMs > now) ids.push(id);
      // Not met again for as long as it was left alone: it was mended, or it is gone.
      else if (untilMs + leftAloneMs <= now) this.#byKey.delete(key);
    }
    return ids;
  }

  /** All ids that are remembered, with what MongoDB said of the last of each kind of error. */
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
