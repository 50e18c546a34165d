import type { Collection } from "mongodb";
import { ClaimModeError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { heldAt } from "../queries.ts";
import { liveInDocumentMode } from "./live_agents.ts";
import type { ModeLease } from "./mode_lease.ts";
import { type RangeSetup, refuseSetup } from "./range_setup.ts";
import type { RangeState } from "./range_control.ts";
import { changedByUser } from "./ranges_document.ts";

/** Ranges of a collection, at most: each claim reads them, and a start over asks for what lies between them. */
const MOST_RANGES = 1000;
/** Time between two looks at the other mode, in milliseconds. */
const LOOK_MS = 10_000;
/**
 * The first run of a document, by the lease of an agent in document mode. Retries and takeovers are claimed alike in both
 * modes. Each lease that an agent in range mode gives counts its takeovers from the start, also if there are none.
 */
const CLAIMED_AS_NEW = {
  "_pull.attempts": 1,
  "_pull.errors": { $exists: false },
  "_pull.snoozes": { $exists: false },
  "_pull.takeovers": { $exists: false },
};

/**
 * Keeps an agent in range mode from claiming beside agents in document mode, which do not see the ranges. Those of this
 * version take the mode, as this one does. What is looked for here is the rest: documents that are held by agents of other
 * versions, or by agents that show themselves to no other one.
 */
export class RangeMode {
  readonly #options: RangeModeOptions;
  #lookedAtMs = -Infinity;

  constructor(options: RangeModeOptions) {
    this.#options = options;
  }

  /**
   * Looks whether the collection can be claimed by ranges, and for documents that agents in document mode hold, unless the
   * last look was a moment ago. Then takes the mode for a while, if that is due: an agent that may not claim would keep all
   * others from claiming. Throws what the driver throws.
   *
   * @throws {ClaimModeError} If it cannot, or if agents in document mode are there.
   */
  async look(): Promise<void> {
    const { clock, lease } = this.#options;
    const nowMs = clock.monotonicMs();
    const isDue = nowMs - this.#lookedAtMs >= LOOK_MS;
    if (isDue) await this.#lookAround();
    await lease.take();
    if (isDue) this.#lookedAtMs = nowMs;
  }

  async #lookAround(): Promise<void> {
    await refuseSetup(this.#options);
    const other = await this.#other();
    if (other === undefined) return;
    const { agents, maxTimeMS, server: { time } } = this.#options;
    const isAlive = await agents.findOne({ ...liveInDocumentMode(time), name: other }, {
      projection: { _id: 1 },
      maxTimeMS,
    }) !== null;
    throw new ClaimModeError(
      isAlive
        ? `CLAIM_MODE is range, and the agent ${other} holds documents in another mode: stop all agents, wait for their ` +
          "leases, then start all in one mode"
        : `CLAIM_MODE is range, and the agent ${other} holds documents in another mode and does not show itself: new ` +
          "documents are claimed when its leases have run out",
      { isOfOthers: isAlive },
    );
  }

  /**
   * Judges what the document of the ranges tells.
   *
   * @throws {ClaimModeError} If this agent may not claim beside the others.
   */
  checked(state: RangeState | undefined): RangeState {
    if (state === undefined) {
      this.#options.lease.forget();
      throw new ClaimModeError(
        'The document "ranges" was removed from the collection of the agents: remove it only while no agent runs',
      );
    }
    if (state.changed !== undefined) {
      this.#options.lease.forget();
      throw changedByUser(state.changed);
    }
    const refusal = this.#options.lease.refusal(state);
    if (refusal) throw refusal;
    return state;
  }

  /** @throws {ClaimModeError} If the agents may hold no further range. */
  refuseMore({ ranges }: RangeState): void {
    if (ranges.length < MOST_RANGES) return;
    throw new ClaimModeError(
      `The agents hold ${ranges.length} ranges of documents, which is as many as they may: set a larger BATCH_SIZE, or ` +
        "use CLAIM_MODE=document if handlers are slow",
    );
  }

  /** The name of an agent that holds a document which it has claimed as a new one. */
  async #other(): Promise<string | undefined> {
    const { collection, maxTimeMS, serverClock } = this.#options;
    // It may have the name of this agent. What agents in range mode hold is not among these.
    const [held] = await collection.find({
      ...heldAt(serverClock.now()),
      "_pull.token": { $type: "string" },
      ...CLAIMED_AS_NEW,
    }, { projection: { _id: 0, "_pull.owner": 1 }, limit: 1, maxTimeMS }).toArray();
    return held && String(held._pull?.owner);
  }
}

/** What a {@linkcode RangeMode} needs. */
export interface RangeModeOptions extends RangeSetup {
  /** The collection of the agents. */
  agents: Collection;
  clock: Clock;
  lease: ModeLease;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  serverClock: ServerClock;
}
