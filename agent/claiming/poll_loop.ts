import type { Breaker } from "../breaker/breaker.ts";
import type { Details } from "../details.ts";
import type { Events } from "../events.ts";
import type { FirstOrders } from "../fleet/registry.ts";
import type { Pool } from "../handling/pool.ts";
import type { Ledger, RemovalWatcher } from "../leases/ledger.ts";
import { backoffMs } from "../lib/backoff.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
import type { InterruptibleSleep } from "../lib/interruptible_sleep.ts";
import type { Claim, ClaimLimit, DocumentStore, LookMoment } from "../ports.ts";
import type { RateLimiter } from "../pacing/rate_limiter.ts";
import type { Settler } from "../settling/settler.ts";
import type { BatchSize } from "./batch_size.ts";
import { ClaimCapacity } from "./capacity.ts";
import { ClaimPace } from "./claim_pace.ts";
import type { DrainingGate } from "./draining_gate.ts";
import { Intake } from "./intake.ts";
import { LoopProgress } from "./loop_progress.ts";
import { Standstill } from "./standstill.ts";
import { SuspectIsolation } from "./suspect_isolation.ts";
import type { UntilEmpty } from "./until_empty.ts";

/**
 * Longest wait after failed claims, in milliseconds: short enough to go on soon after an outage, long enough not to
 * flood the server.
 */
const FAILURE_BACKOFF = { baseMs: 500, maxMs: 5000 };

/** Wait after claims that others won, in milliseconds. */
const CONTENTION_BACKOFF = { baseMs: 5, maxMs: 1000 };

/** Claims documents as long as that is allowed. */
export class PollLoop implements RemovalWatcher {
  readonly #options: PollLoopOptions;
  readonly #progress: LoopProgress;
  readonly #capacity: ClaimCapacity;
  readonly #intake: Intake;
  readonly #suspects: SuspectIsolation;
  #failures = 0;
  #emptyHanded = 0;
  #isHeldUp = false;

  constructor(options: PollLoopOptions) {
    const { clock, details, events, gate, ledger, limiter, pool, processTimeoutMs, store } = options;
    const progress = new LoopProgress({ clock, events, processTimeoutMs });
    const pace = new ClaimPace({ ledger, limiter, progress });
    const intake = new Intake({ clock, details, events, gate, pool, store });
    this.#options = options;
    this.#progress = progress;
    this.#intake = intake;
    this.#capacity = new ClaimCapacity({ ...options, pace, progress, standstill: new Standstill(options) });
    this.#suspects = new SuspectIsolation({
      ...options,
      intake,
      pace,
      progress,
      standstill: new Standstill(options),
    });
    ledger.watch(this);
  }

  /** A document is settled: the next claim may find another one that waited for it. */
  documentLeft(): void {
    if (this.#isHeldUp) this.#options.wakeup.wake();
  }

  /** Claims until `claimSignal` aborts. A claim that is under way is finished. Never throws. */
  async run(claimSignal: AbortSignal): Promise<void> {
    while (await this.#untilOpen(claimSignal)) {
      const limit = await this.#capacity.wait();
      if (limit === undefined) continue;
      const delayMs = await this.#claim(limit, claimSignal);
      if (delayMs > 0) await this.#idle(delayMs);
    }
    await this.#recoverLast();
  }

  async #untilOpen(claimSignal: AbortSignal): Promise<boolean> {
    const { breaker, gate } = this.#options;
    const stage = breaker.letsPass ? "paused" : "breaker_open";
    if (!gate.isOpen && !claimSignal.aborted) this.#progress.enter(stage);
    return await gate.waitOpen();
  }

  async #idle(delayMs: number): Promise<void> {
    const { gate, wakeup } = this.#options;
    if (!gate.isOpen) return;
    this.#progress.enter("idle", delayMs);
    await wakeup.sleep(delayMs, gate.closed);
  }

  /** The last claim may have failed without an answer. What it took is released, so that its leases need not expire. */
  async #recoverLast(): Promise<void> {
    const { pool, store } = this.#options;
    try {
      pool.release(await store.recover());
    } catch {
      // The database is out of reach: the leases run out by themselves.
    }
  }

  /** One claim. Returns how long to wait before the next, in milliseconds. Never throws. */
  async #claim(limit: ClaimLimit, claimSignal: AbortSignal): Promise<number> {
    this.#progress.enter("claiming");
    // The claim finds all that the hints so far were about.
    this.#options.wakeup.forget();
    try {
      if (!await this.#mayClaim()) return 0;
      const claim = await this.#intake.claim(limit);
      const hadSuspects = claim.hasSuspects && await this.#suspects.run(claimSignal);
      // Other documents, and more suspects, may have come meanwhile.
      const delayMs = hadSuspects ? 0 : await this.#delayAfter(claim);
      this.#failures = 0;
      this.#options.untilEmpty?.claimed();
      return delayMs;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** What all agents are asked for has to be known before the first claim, and may be not to claim. */
  async #mayClaim(): Promise<boolean> {
    const { gate, orders } = this.#options;
    if (!orders || orders.areKnown) return true;
    await orders.know();
    return gate.isOpen;
  }

  #failed(error: unknown): number {
    const { events, random, store, untilEmpty } = this.#options;
    const isHopeless = !store.isTransient(error) && !store.isDoubtful(error);
    const isLasting = isHopeless || store.isForbidden(error);
    this.#failures += 1;
    const retryInMs = 250 + backoffMs(this.#failures, { ...FAILURE_BACKOFF, random });
    events.emit({ type: "claim_failed", error, retryInMs, isLasting });
    untilEmpty?.claimFailed(isHopeless);
    return retryInMs;
  }

  async #delayAfter({ documents, hasMore, hasSuspects, heldUp }: Claim): Promise<number> {
    const { events, ledger, pollIntervalMs, random, untilEmpty } = this.#options;
    const hasDocuments = documents.length > 0;
    this.#emptyHanded = hasDocuments ? 0 : this.#emptyHanded + 1;
    this.#isHeldUp = heldUp !== undefined;
    if (heldUp) events.emit({ type: "claims_held_up", reason: heldUp.error });
    const isBusy = hasMore || hasSuspects;
    await this.#lookForLeftAlone(isBusy ? "busy" : "idle");
    // Other agents claimed all of the candidates first, or a handler that is left behind keeps the suspects waiting:
    // wait for a short random time.
    if (isBusy) {
      return hasDocuments ? 0 : 1 + backoffMs(this.#emptyHanded, { ...CONTENTION_BACKOFF, random });
    }
    if (heldUp) return Math.min(pollIntervalMs, 1 + heldUp.retryInMs);
    if (!hasDocuments && ledger.isEmpty) await untilEmpty?.foundNothing();
    return pollIntervalMs;
  }

  async #lookForLeftAlone(moment: LookMoment): Promise<void> {
    const { events, store } = this.#options;
    try {
      const groups = await store.leftAlone(moment);
      if (groups) events.emit({ type: "left_alone", groups });
    } catch {
      // A look that fails stops no claim; the next look reports it again.
    }
  }
}

/** What a {@linkcode PollLoop} needs. */
export interface PollLoopOptions extends TimeAndChance {
  /** Decides how many documents may be claimed while the handler fails. */
  breaker: Pick<Breaker, "letsPass" | "wantsTrial">;
  events: Events;
  gate: DrainingGate;
  ledger: Ledger;
  details?: Details | undefined;
  /** If there is a `RATE_LIMIT`. */
  limiter?: RateLimiter | undefined;
  /** What all agents of the collection are asked for, if they are a fleet. */
  orders?: FirstOrders | undefined;
  /** Takes what is claimed. */
  pool: Pick<Pool, "add" | "release" | "leftBehind">;
  /** Releases the documents that keep suspects from being run. */
  settler: Pick<Settler, "releaseDoubted">;
  store: DocumentStore;
  /** Decides what an empty or failed claim means, if the agent is to end when nothing is left. */
  untilEmpty?: Pick<UntilEmpty, "claimed" | "claimFailed" | "foundNothing"> | undefined;
  /** The sleep between claims, which others may cut short. */
  wakeup: InterruptibleSleep;
  batchSize: BatchSize;
  /** Handlers running at once, at most. */
  concurrency: number;
  leaseMs: number;
  pollIntervalMs: number;
  processTimeoutMs: number;
}
