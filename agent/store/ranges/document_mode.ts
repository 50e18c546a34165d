import type { Document, Filter } from "mongodb";
import { ClaimModeError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { isUnexplained, passesByItself } from "../mongo_errors.ts";
import { NOW } from "../server/server_time.ts";
import type { StoreServer } from "../server/store_server.ts";
import type { ExpiredRanges } from "./expired_ranges.ts";
import type { Marked } from "./mark_writer.ts";
import type { ModeLease } from "./mode_lease.ts";
import type { RangeControl } from "./range_control.ts";

/** An agent that cannot use the collection of the agents asks for it again after this long, in milliseconds. */
const ASK_AGAIN_MS = 60_000;
/** Trouble with the collection of the agents that should pass is lasting after this long, in milliseconds. */
const TROUBLE_MS = 20_000;
/** An agent that may not claim yet goes on finishing ranges for so long, in milliseconds. */
const FINISH_MS = 5000;
/** A claim that matched nothing asks for the server's time at most this often, in milliseconds: other agents may be faster. */
const DOUBT_MS = 1000;

/**
 * Keeps an agent in document mode from claiming new documents that lie in the ranges of other agents: before such a claim
 * it takes the mode, and the claim itself matches only until that has run out.
 */
export class DocumentMode {
  readonly #options: DocumentModeOptions;
  #until: Date | undefined;
  /** Set while agents in range mode are known to be there. */
  #refusal: ClaimModeError | undefined;
  /** Since when the mode cannot be taken because of trouble that should pass. */
  #failsSinceMs: number | undefined;
  #askAtMs = -Infinity;
  /** Whether the user may not even look whether they are. */
  #isBlind = false;
  #doubtedAtMs = -Infinity;

  constructor(options: DocumentModeOptions) {
    this.#options = options;
  }

  /** The condition of a claim of new documents; undefined if there is none. */
  get condition(): Filter<Document> | undefined {
    // A server that gives its time to no query takes no such condition.
    if (this.#until === undefined || this.#options.server.time !== NOW) return undefined;
    return { $expr: { $lt: [NOW, this.#until] } };
  }

  /**
   * Takes the mode, if that is due. Throws what the driver throws.
   *
   * @param onMarked gets what came of the documents of ranges that have run out
   * @throws {ClaimModeError} If agents in range mode are there.
   */
  async begin(onMarked: (marked: Marked) => void): Promise<void> {
    const { clock, lease } = this.#options;
    if (clock.monotonicMs() < this.#askAtMs) return this.#isBlind ? undefined : await this.#goWithout();
    try {
      this.#until = await lease.take();
      this.#refusal = undefined;
      this.#failsSinceMs = undefined;
    } catch (error) {
      if (error instanceof ClaimModeError) {
        this.#failsSinceMs = undefined;
        this.#refusal = error;
        await this.#finishRanges(onMarked);
        throw error;
      }
      if (isUnexplained(error)) throw error;
      if (passesByItself(error)) {
        if (!this.#isOver(0)) return;
        this.#failsSinceMs ??= clock.monotonicMs();
        if (clock.monotonicMs() - this.#failsSinceMs < TROUBLE_MS) throw error;
      }
      await this.#goWithout();
      this.#askAtMs = clock.monotonicMs() + ASK_AGAIN_MS;
    }
  }

  /**
   * No right, a view, a validator, documents of others, trouble that lasts: such an agent is no part of the fleet. Agents in
   * range mode see its leases, and it claims nothing beside them as far as it may look.
   */
  async #goWithout(): Promise<void> {
    const { lease } = this.#options;
    this.#until = undefined;
    const isBeside = await lease.isBesideRanges();
    if (isBeside) this.#refusal = lease.refusal({ filter: undefined, mode: "range" });
    if (isBeside === false) this.#refusal = undefined;
    if (this.#refusal) throw this.#refusal;
    this.#isBlind = isBeside === undefined;
  }

  /**
   * A claim under the condition has matched nothing. Takes the mode again if it has run out, which this agent's clock does
   * not tell if it stood still, and returns whether it had. Throws what {@linkcode begin} throws.
   */
  async resume(onMarked: (marked: Marked) => void): Promise<boolean> {
    const { clock, lease, syncClock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.condition === undefined || nowMs - this.#doubtedAtMs < DOUBT_MS) return false;
    this.#doubtedAtMs = nowMs;
    await syncClock();
    // The server's clock has gone on since the claim.
    if (!this.#isOver(DOUBT_MS)) return false;
    lease.forget();
    await this.begin(onMarked);
    return true;
  }

  #isOver(marginMs: number): boolean {
    return this.#until === undefined || this.#options.serverClock.now(marginMs) >= this.#until;
  }

  /** Ranges that have run out keep the mode from changing. */
  async #finishRanges(onMarked: (marked: Marked) => void): Promise<void> {
    const { control, expired } = this.#options;
    const state = await control.read();
    if (state) await expired.takeOver(state, onMarked, FINISH_MS);
  }
}

/** What {@linkcode DocumentMode} needs. */
export interface DocumentModeOptions {
  clock: Clock;
  control: RangeControl;
  expired: ExpiredRanges;
  lease: ModeLease;
  server: Pick<StoreServer, "time">;
  serverClock: ServerClock;
  /** Asks for the server's time. */
  syncClock(): Promise<void>;
}
