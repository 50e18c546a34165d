import { createHash } from "node:crypto";
import { BSON, type Collection, type Document, type Filter } from "mongodb";
import type { Backlog } from "../../events.ts";
import type { BacklogTurn, TurnOfAnother, TurnOfOwn } from "../../fleet/backlog_turn.ts";
import { validDate } from "../../lib/valid_date.ts";
import { isDuplicateKey } from "../mongo_errors.ts";
import type { StoreContext } from "../store_context.ts";
import { BACKLOG_PREFIX } from "./backlog_prefix.ts";
import { MARK } from "./control_document.ts";
import { GONE_MS } from "./entry.ts";

/** An agent that has its turn has to be done by then, in milliseconds: otherwise it is the turn of another. */
const TURN_MS = 15_000;
/** A turn that is due so soon is due, in milliseconds: what is known of the server's time may be a little behind. */
const EARLY_MS = 1000;
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
    const nowMs = serverClock.now().getTime() + EARLY_MS;
    const found = await collection.findOne({ _id: this.#id as never, ...MARK }, { maxTimeMS });
    const waitMs = (validDate(found?.next_at)?.getTime() ?? 0) - nowMs;
    const seen = found ? seenIn(found, nowMs) : undefined;
    // No turn is so far off: the server's clock was set back, or a user has written it.
    if (waitMs > 0 && waitMs < GONE_MS) return another(seen, waitMs);
    const turn = await this.#take(nowMs);
    return turn === undefined ? another(seen, TURN_MS) : this.#own(turn);
  }

  /** The id of the turn; undefined if another agent has taken it meanwhile. */
  async #take(nowMs: number): Promise<string | undefined> {
    const { collection, name } = this.#options;
    const turn = crypto.randomUUID();
    const taken = { next_at: { $gt: new Date(nowMs), $lt: new Date(nowMs + GONE_MS) } };
    try {
      await collection.updateOne({ _id: this.#id as never, ...MARK, $nor: [taken] }, {
        $set: { turn, by: name, next_at: new Date(nowMs + TURN_MS) },
        // Without further turns the document goes as entries do.
        $currentDate: { seen_at: true },
      }, { upsert: true, ...LIGHT });
      return turn;
    } catch (error) {
      if (isDuplicateKey(error)) return undefined;
      throw error;
    }
  }

  #own(turn: string): TurnOfOwn {
    const { collection, serverClock } = this.#options;
    return {
      isOwn: true,
      share: async ({ claimable, deadLetters, oldestMs }, restMs) => {
        const counts = { claimable, oldest_ms: oldestMs, dead_letters: deadLetters };
        const known = Object.entries(counts).filter(([, count]) => count !== undefined);
        const missing = Object.entries(counts).filter(([, count]) => count === undefined);
        await collection.updateOne({ _id: this.#id as never, ...MARK, turn }, {
          $set: { ...Object.fromEntries(known), next_at: new Date(serverClock.now().getTime() + restMs) },
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
  if (time === undefined) return undefined;
  const agoMs = Math.max(0, nowMs - time.getTime());
  if (agoMs > GONE_MS) return undefined;
  const backlog: Backlog = {
    claimable: countOf(claimable),
    oldestMs: countOf(oldest_ms),
    deadLetters: countOf(dead_letters),
  };
  return { backlog, agoMs };
}

/** A user may have written it. */
function countOf(value: unknown): number | undefined {
  const count = Number(value ?? NaN);
  return Number.isFinite(count) && count >= 0 ? count : undefined;
}

/** Agents with another `FILTER` or another collection of letters count other documents. */
function backlogId({ filter, letters }: Pick<FleetBacklogOptions, "filter" | "letters">): string {
  // Not as JSON, which a processor's module may have broken by now.
  const asked = BSON.serialize({ filter: filter ?? {}, letters: letters.namespace });
  return `${BACKLOG_PREFIX}${createHash("sha256").update(asked).digest("hex").slice(0, 16)}`;
}

/** What a {@linkcode FleetBacklog} needs. */
export interface FleetBacklogOptions extends Pick<StoreContext, "maxTimeMS" | "serverClock"> {
  /** That of the registry. */
  readonly collection: Collection;
  readonly filter: Filter<Document> | undefined;
  readonly letters: Pick<Collection, "namespace">;
  /** The agent, for people. */
  readonly name: string;
  /** Makes the server's time known. */
  syncClock(): Promise<void>;
}
