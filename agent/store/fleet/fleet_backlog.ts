import type { Collection, Document } from "mongodb";
import { type Backlog, MAX_COUNTED } from "../../events.ts";
import type { BacklogTurn, TurnOfAnother, TurnOfOwn } from "../../fleet/backlog_turn.ts";
import { validDate } from "../../lib/valid_date.ts";
import { isDuplicateKey } from "../mongo_errors.ts";
import type { StoreContext } from "../store_context.ts";
import type { BacklogCount } from "../../fleet/fleet_view.ts";
import { backlogId, type CountedWork } from "./backlog_id.ts";
import { MARK } from "./control_document.ts";
import { AHEAD_MS, GONE_MS } from "./entry.ts";

/** An agent that has its turn has to be done by then, in milliseconds: otherwise it is the turn of another. */
const TURN_MS = 15_000;
/** A turn that is due so soon is due, in milliseconds: what is known of the server's time may be a little behind. */
const EARLY_MS = 1000;
/** Counts that are kept, at most: those of ten minutes are fewer. */
const MAX_COUNTS = 40;
/** They can be lost: the next look comes. */
const LIGHT = { writeConcern: { w: 1, journal: false } } as const;

/**
 * What waits, as one agent of a fleet has counted it for all that ask for the same: a document among their entries. It
 * says when the next look is due; the agent that takes that turn first looks. So no agent has an office: one that is killed
 * misses its next turn, and another takes that.
 */
export class FleetBacklog {
  readonly #options: FleetBacklogOptions;
  readonly #id: string;

  constructor(options: FleetBacklogOptions) {
    this.#options = options;
    this.#id = backlogId(options);
  }

  /** Finds out whose turn it is to look; takes it if it is due. Throws what the driver throws. */
  async turn(): Promise<BacklogTurn> {
    const { collection, maxTimeMS, serverClock, syncClock } = this.#options;
    if (!serverClock.isKnown) await syncClock();
    const nowMs = serverClock.now().getTime();
    const found = await collection.findOne({ _id: this.#id as never, ...MARK }, { maxTimeMS });
    const waitMs = found ? waitIn(found, nowMs) : 0;
    const seen = found ? seenIn(found, nowMs) : undefined;
    if (waitMs > 0) return another(seen, waitMs);
    const turn = await this.#take(found);
    return turn === undefined ? another(seen, TURN_MS) : this.#own(turn, countsIn(found ?? {}, nowMs));
  }

  /** The id of the turn; undefined if another agent has taken it meanwhile. */
  async #take(found: Document | null): Promise<string | undefined> {
    const { collection, name } = this.#options;
    const turn = crypto.randomUUID();
    const asFound = { seen_at: found?.seen_at ?? null, turn: found?.turn ?? null };
    try {
      const { matchedCount, upsertedCount } = await collection.updateOne(
        { _id: this.#id as never, ...MARK, ...asFound },
        {
          $set: { turn, by: name, rest_ms: TURN_MS },
          // Without further turns the document goes as entries do.
          $currentDate: { seen_at: true },
        },
        { upsert: found === null, ...LIGHT },
      );
      return matchedCount + upsertedCount > 0 ? turn : undefined;
    } catch (error) {
      if (isDuplicateKey(error)) return undefined;
      throw error;
    }
  }

  /** @param before the counts of the last ten minutes, the oldest first */
  #own(turn: string, before: readonly BacklogCount[]): TurnOfOwn {
    const { collection, serverClock } = this.#options;
    return {
      isOwn: true,
      share: async ({ claimable, deadLetters, oldestMs }, restMs) => {
        const found = { claimable, oldest_ms: oldestMs, dead_letters: deadLetters };
        const known = Object.entries(found).filter(([, count]) => count !== undefined);
        const missing = Object.entries(found).filter(([, count]) => count === undefined);
        const counts = claimable === undefined
          ? before
          : [...before, { at: serverClock.now(), claimable, capped: claimable >= MAX_COUNTED }];
        await collection.updateOne({ _id: this.#id as never, ...MARK, turn }, {
          $set: {
            ...Object.fromEntries(known),
            rest_ms: restMs,
            counts: counts.slice(-MAX_COUNTS),
          },
          $unset: { turn: "", ...Object.fromEntries(missing.map(([field]) => [field, ""])) },
          $currentDate: { seen_at: true, at: true },
        }, LIGHT);
      },
    };
  }
}

function another(seen: TurnOfAnother["seen"], againInMs: number): TurnOfAnother {
  return { isOwn: false, seen, againInMs };
}

/** What the last look has found; undefined if there was none, or it is too long ago. */
function seenIn({ at, claimable, dead_letters, oldest_ms }: Document, nowMs: number): TurnOfAnother["seen"] {
  const time = validDate(at);
  if (time === undefined || !isUpTo(time, nowMs + AHEAD_MS)) return undefined;
  const agoMs = Math.max(0, nowMs - time.getTime());
  if (agoMs > GONE_MS) return undefined;
  const backlog: Backlog = {
    claimable: countOf(claimable),
    oldestMs: countOf(oldest_ms),
    deadLetters: countOf(dead_letters),
  };
  return { backlog, agoMs };
}

/**
 * In how many milliseconds the next turn is due. The server itself has written when the last one was taken or ended: what is
 * known of its time may be ahead for a while after its clock was set back.
 */
function waitIn({ rest_ms, seen_at }: Document, nowMs: number): number {
  const seenAt = validDate(seen_at);
  const restMs = countOf(rest_ms) ?? 0;
  // No turn is so far off, or was taken at a time to come: the clock was set back, or a user has written it.
  if (seenAt === undefined || restMs >= GONE_MS || !isUpTo(seenAt, nowMs + AHEAD_MS)) return 0;
  return seenAt.getTime() + restMs - nowMs - EARLY_MS;
}

/** Whether a value is a date, and not after a time. */
function isUpTo(value: unknown, timeMs: number): boolean {
  const time = validDate(value);
  return time !== undefined && time.getTime() <= timeMs;
}

/**
 * What waited in the last ten minutes, each time that an agent has counted it, the oldest first.
 *
 * @param document that of a {@linkcode FleetBacklog}, which a user may have written
 * @param nowMs the server's time
 */
export function countsIn({ counts }: Document, nowMs: number): readonly BacklogCount[] {
  if (!Array.isArray(counts)) return [];
  return counts.slice(-MAX_COUNTS).flatMap((each: Document | null) => {
    const at = validDate(each?.at);
    const claimable = countOf(each?.claimable);
    const isRecent = at !== undefined && at.getTime() > nowMs - GONE_MS && isUpTo(at, nowMs + AHEAD_MS);
    return isRecent && claimable !== undefined ? [{ at, claimable, capped: each?.capped === true }] : [];
  });
}

/** A user may have written it. */
function countOf(value: unknown): number | undefined {
  const count = Number(value ?? NaN);
  return Number.isFinite(count) && count >= 0 ? count : undefined;
}

/** What a {@linkcode FleetBacklog} needs. */
export interface FleetBacklogOptions extends CountedWork, Pick<StoreContext, "maxTimeMS" | "serverClock"> {
  /** That of the registry. */
  readonly collection: Collection;
  /** The agent, for people. */
  readonly name: string;
  /** Makes the server's time known. */
  syncClock(): Promise<void>;
}
