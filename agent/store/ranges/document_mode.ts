import type { Collection, Document, Filter } from "mongodb";
import { ClaimModeError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { isAnswer, isUnexplained, passesByItself } from "../mongo_errors.ts";
import { NOW } from "../server/server_time.ts";
import type { StoreServer } from "../server/store_server.ts";
import type { ExpiredRanges } from "./expired_ranges.ts";
import type { Marked } from "./mark_writer.ts";
import type { ModeLease } from "./mode_lease.ts";
import { CHANGE_MS } from "./mode_times.ts";
import { ModeTroubleError } from "./mode_trouble.ts";
import type { Range, RangeControl } from "./range_control.ts";

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
  /** Set while agents in range mode are known to be there, or may still be. */
  #refusal: Refusal | undefined;
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
        this.#refused(error);
        await this.#finishRanges(onMarked);
        throw error;
      }
      if (isUnexplained(error)) throw error;
      if (passesByItself(error)) {
        if (!this.#isOver(0)) return;
        this.#failsSinceMs ??= clock.monotonicMs();
        if (clock.monotonicMs() - this.#failsSinceMs < TROUBLE_MS) throw this.#named(error);
      }
      await this.#goWithout();
      this.#askAtMs = clock.monotonicMs() + ASK_AGAIN_MS;
    }
  }

  /**
   * No right, a view, a validator, documents of others, trouble that lasts: such an agent is no part of the fleet. Agents in
   * range mode see its leases, and it claims nothing beside them as far as it may look. If it may not look any more, it
   * claims when all that it has seen is over, as one does that could never look.
   */
  async #goWithout(): Promise<void> {
    const { clock, lease } = this.#options;
    this.#until = undefined;
    const told = await lease.besideRanges().catch((error) => {
      throw passesByItself(error) ? this.#named(error) : error;
    });
    if (told instanceof ClaimModeError) throw this.#refused(told);
    const leftMs = (this.#refusal?.untilMs ?? 0) - clock.monotonicMs();
    if (told === undefined && this.#refusal && leftMs > 0) throw this.#blind(this.#refusal.error, leftMs);
    this.#refusal = undefined;
    this.#isBlind = told === undefined;
  }

  /** Takes note of a refusal: what the others hold now is over after as long as an operator has to wait for it. */
  #refused(error: ClaimModeError): ClaimModeError {
    const { clock, leaseMs } = this.#options;
    const untilMs = clock.monotonicMs() + CHANGE_MS + leaseMs;
    this.#refusal = { error, untilMs: Math.max(untilMs, this.#refusal?.untilMs ?? 0) };
    return error;
  }

  /** Takes note of the ranges that others hold: each may last longer than a lease of this agent. */
  #seen(ranges: readonly Range[]): void {
    const { clock, serverClock } = this.#options;
    if (!this.#refusal) return;
    const nowMs = serverClock.now().getTime();
    const longestMs = Math.max(...ranges.map(({ visible_at }) => visible_at.getTime() - nowMs));
    const untilMs = Math.max(this.#refusal.untilMs, clock.monotonicMs() + longestMs);
    this.#refusal = { ...this.#refusal, untilMs };
  }

  /** What this agent knows ends with it: it goes on, and does not end because of others. */
  #blind(error: ClaimModeError, leftMs: number): ClaimModeError {
    return new ClaimModeError(
      "CLAIM_MODE is document, agents with CLAIM_MODE=range had the mode, and the user may not look any more whether they " +
        `have it: grant find, insert and update on ${this.#options.agents.namespace}, or in ${
          Math.ceil(leftMs / 1000)
        } ` +
        "seconds the agent claims without a look",
      { cause: error },
    );
  }

  /** An error of the collection of the agents, which tells what the agent wants there. */
  #named(error: unknown): unknown {
    return isAnswer(error) ? new ModeTroubleError(this.#options.agents.namespace, error) : error;
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
    if (state) this.#seen(state.ranges);
    if (state) await expired.takeOver(state, onMarked, FINISH_MS);
  }
}

/** Why an agent may not claim, and until when what it has seen of the others may last, by the monotonic clock. */
interface Refusal {
  readonly error: ClaimModeError;
  readonly untilMs: number;
}

/** What {@linkcode DocumentMode} needs. */
export interface DocumentModeOptions {
  /** The collection of the agents. */
  agents: Pick<Collection, "namespace">;
  clock: Clock;
  control: RangeControl;
  expired: ExpiredRanges;
  lease: ModeLease;
  leaseMs: number;
  server: Pick<StoreServer, "time">;
  serverClock: ServerClock;
  /** Asks for the server's time. */
  syncClock(): Promise<void>;
}
