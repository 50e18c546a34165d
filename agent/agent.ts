import type { AgentSettings } from "./agent_settings.ts";
import { Breaker } from "./breaker/breaker.ts";
import { AutoBatchSize, FIRST_BATCH } from "./claiming/auto_batch_size.ts";
import { type BatchSize, FixedBatchSize } from "./claiming/batch_size.ts";
import { BreakerGate } from "./claiming/breaker_gate.ts";
import { DrainingGate } from "./claiming/draining_gate.ts";
import type { PauseGate } from "./claiming/pause_gate.ts";
import { PollLoop } from "./claiming/poll_loop.ts";
import { Surplus } from "./claiming/surplus.ts";
import { UntilEmpty } from "./claiming/until_empty.ts";
import type { Details } from "./details.ts";
import type { Drainable, DrainReport } from "./drain.ts";
import type { AgentState, Events } from "./events.ts";
import type { RunningDocument } from "./handling/handler_run.ts";
import type { FirstOrders } from "./fleet/registry.ts";
import { Pool } from "./handling/pool.ts";
import { CancelWatch } from "./leases/cancel_watch.ts";
import { LeaseKeeper } from "./leases/lease_keeper.ts";
import { type HeldState, Ledger } from "./leases/ledger.ts";
import type { TimeAndChance } from "./lib/time_and_chance.ts";
import { aborted, doneBy } from "./lib/deadline.ts";
import { InterruptibleSleep } from "./lib/interruptible_sleep.ts";
import type { DocumentStore } from "./ports.ts";
import type { RateLimiter } from "./pacing/rate_limiter.ts";
import type { Processing } from "./processors/processor.ts";
import { RefusedOutcomes } from "./settling/refused_outcome.ts";
import { RetrySchedule } from "./settling/retry_schedule.ts";
import { Settler } from "./settling/settler.ts";
import type { DocumentLogs } from "./telemetry/document_log.ts";

/** A processor has this long for its end, in milliseconds, even if `SHUTDOWN_TIMEOUT` has passed. */
const CLOSE_LIMIT_MS = 1000;

/** How long documents may take to be released after a forced stop before they are abandoned, in milliseconds. */
const RELEASE_LIMIT_MS = 3000;

/**
 * The life of an agent. It claims and processes until it drains, and gives up the rest if it is forced to stop.
 *
 * Two signals mark the two ends: after `#claiming` nothing is claimed any more; after `#working` nothing is waited for.
 */
export class Agent implements Drainable {
  readonly #options: AgentOptions;
  readonly #ledger = new Ledger();
  readonly #wakeup: InterruptibleSleep;
  readonly #breaker: Breaker;
  readonly #batchSize: BatchSize;
  readonly #loop: PollLoop;
  readonly #pool: Pool;
  readonly #settler: Settler;
  readonly #keeper: LeaseKeeper;
  readonly #cancels: CancelWatch;
  readonly #retries: RetrySchedule;
  /** With `BATCH_SIZE=auto`. */
  readonly #surplus: Surplus | undefined;
  readonly #claiming = new AbortController();
  readonly #working = new AbortController();
  #state: AgentState = "starting";
  #drainReason = "";
  /** Takes back the forced stop that follows a drain. */
  #cancelForce: (() => void) | undefined;

  constructor(options: AgentOptions) {
    const { clock, details, events, limiter, logs, processing, random, settings, store } = options;
    const { concurrency, leaseMs, maxAttempts, processTimeoutMs } = settings;
    const { breakerCooldownMs: cooldownMs, breakerThreshold: threshold } = settings;
    const ledger = this.#ledger;
    const refusedOutcomes = new RefusedOutcomes();
    const breaker = new Breaker({ clock, events, threshold, cooldownMs, maxAttempts });
    const open = new BreakerGate(options.gate, breaker);
    const gate = new DrainingGate(open, this.#claiming.signal);
    const wakeup = new InterruptibleSleep(clock);
    const retries = new RetrySchedule({ clock, wakeup, untilEmpty: options.untilEmpty ?? false });
    const keeper = new LeaseKeeper({ clock, events, ledger, store, leaseMs });
    const shared = { clock, details, events, ledger, random, refusedOutcomes, retries, store };
    const policy = { ...settings, random };
    const settler = new Settler({ ...shared, leases: keeper, policy });
    const bounds = { concurrency, leaseMs, limiter, processTimeoutMs };
    const fixed = settings.batchSize === "auto" ? undefined : settings.batchSize;
    const slots = processing.kind === "batch" ? FIRST_BATCH : concurrency;
    const load = fixed === undefined ? new AutoBatchSize({ clock, ledger, leaseMs, slots }) : undefined;
    const batchSize = load ?? new FixedBatchSize(fixed!);
    const pool = new Pool({
      ...shared,
      ...bounds,
      batchSize: fixed ?? FIRST_BATCH,
      breaker,
      load,
      saver: keeper,
      logs,
      policy,
      processing,
      settler,
      targets: settings,
    });
    const untilEmpty = options.untilEmpty ? new UntilEmpty({ ...shared, agent: this, wakeup }) : undefined;
    this.#options = options;
    this.#wakeup = wakeup;
    this.#retries = retries;
    this.#settler = settler;
    this.#pool = pool;
    this.#batchSize = batchSize;
    this.#surplus = load && new Surplus({ clock, leaseMs, pool, size: load });
    this.#keeper = keeper;
    this.#cancels = new CancelWatch({ clock, events, ledger, store });
    this.#breaker = breaker;
    this.#loop = new PollLoop({
      ...shared,
      ...bounds,
      batchSize,
      breaker,
      gate,
      pool,
      settler,
      orders: options.orders,
      untilEmpty,
      wakeup,
      pollIntervalMs: settings.pollIntervalMs,
    });
    options.gate.onChange((isOpen) => this.#gateChanged(isOpen));
    open.onChange((isOpen) => isOpen || pool.releaseWaiting());
  }

  get state(): AgentState {
    return this.#state;
  }

  /** How much is held right now. */
  get held(): { documents: number; running: number } {
    const { documents, running } = this.#ledger.counts;
    return { documents, running };
  }

  /** How many documents are in each stage right now. */
  get stages(): Readonly<Record<HeldState, number>> {
    const { documents, running, waiting } = this.#ledger.counts;
    return { waiting, running, settling: documents - waiting - running };
  }

  /** Documents that the next claim takes, at most. */
  get batchSize(): number {
    return this.#batchSize.documents;
  }

  /** Documents that are in their handlers right now, longest first, at most `limit`. */
  running(limit: number): readonly RunningDocument[] {
    return this.#pool.running(limit);
  }

  /** Works until {@linkcode Agent.drain} or {@linkcode Agent.force} is called, then says what became of the rest. */
  async run(): Promise<DrainReport> {
    const { clock, events } = this.#options;
    const claiming = this.#claiming.signal;
    this.#keeper.start();
    this.#cancels.start();
    this.#surplus?.start();
    if (!claiming.aborted) this.#enter(this.#options.gate.isOpen ? "running" : "paused");
    const loop = this.#loop.run(claiming);
    await aborted(claiming);

    const sinceMs = clock.monotonicMs();
    const before = this.#settler.counts;
    this.#retries.stop();
    this.#breaker.stop();
    this.#pool.close();
    const left = await this.#finish(loop);
    await this.#closeProcessor(clock.monotonicMs() - sinceMs);
    this.#cancelForce?.();
    this.#settler.stop();
    this.#keeper.stop();
    this.#cancels.stop();
    this.#surplus?.stop();
    const { finished, released, abandoned } = this.#settler.counts;
    const counts = {
      finished: finished - before.finished,
      released: released - before.released,
      abandoned: abandoned - before.abandoned + left,
    };
    events.emit({ type: "drain_finished", elapsedMs: clock.monotonicMs() - sinceMs, ...counts });
    this.#enter("stopped");
    return { reason: this.#drainReason, ...counts };
  }

  /** A hint that there may be something to claim. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** A hint that a document may have been canceled. */
  lookForCanceled(): void {
    this.#cancels.look();
  }

  /** Whether {@linkcode Agent.lookForCanceled} is called from now on when a document is canceled. */
  set hearsOfCancels(isTold: boolean) {
    this.#cancels.isTold = isTold;
  }

  /** Claims nothing any more and finishes what is in flight; forced after `SHUTDOWN_TIMEOUT`. */
  drain(reason: string): void {
    if (this.#claiming.signal.aborted) return;
    const { clock, events, settings } = this.#options;
    this.#drainReason = reason;
    this.#enter("draining");
    events.emit({ type: "drain_started", reason, inFlight: this.#ledger.counts.running });
    events.emit({
      type: "progress",
      stage: "draining",
      deadlineMs: clock.monotonicMs() + settings.shutdownTimeoutMs + 2 * RELEASE_LIMIT_MS,
    });
    this.#claiming.abort();
    this.#pool.announceStop();
    this.#cancelForce = clock.after(
      settings.shutdownTimeoutMs,
      () => this.force("SHUTDOWN_TIMEOUT has passed"),
    );
  }

  /** Aborts the handlers and releases all documents. */
  force(reason: string): void {
    this.drain(reason);
    if (this.#working.signal.aborted) return;
    this.#cancelForce?.();
    this.#options.events.emit({ type: "force_started", reason, inFlight: this.#ledger.counts.running });
    this.#working.abort();
  }

  /**
   * Waits until nothing is held and releases the rest if the stop is forced. Returns how many documents it had to
   * abandon.
   */
  async #finish(loop: Promise<void>): Promise<number> {
    const working = this.#working.signal;
    // A claim under way may still bring documents. Some would be released before the claim has ended.
    await doneBy(loop, { signal: working });
    this.#pool.releaseWaiting();
    this.#settler.drain();
    await this.#ledger.empty(working);
    if (!working.aborted) return 0;

    const limit = new AbortController();
    const cancel = this.#options.clock.after(RELEASE_LIMIT_MS, () => limit.abort());
    this.#pool.force();
    this.#settler.flush();
    await doneBy(loop, { signal: limit.signal });
    await this.#ledger.empty(limit.signal);
    cancel();
    return this.#ledger.counts.documents;
  }

  /** Ends what a processor has started, within what is left of `SHUTDOWN_TIMEOUT`. */
  async #closeProcessor(elapsedMs: number): Promise<void> {
    const { clock, processing, settings: { shutdownTimeoutMs } } = this.#options;
    const limitMs = Math.max(CLOSE_LIMIT_MS, shutdownTimeoutMs - elapsedMs);
    await doneBy(
      Promise.resolve(processing.close?.(limitMs, this.#working.signal)),
      { clock, limitMs: limitMs + CLOSE_LIMIT_MS },
    );
  }

  #gateChanged(isOpen: boolean): void {
    if (this.#state !== "running" && this.#state !== "paused") return;
    this.#enter(isOpen ? "running" : "paused");
  }

  #enter(to: AgentState): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#options.events.emit({ type: "state_changed", from, to });
  }
}

/** What an {@linkcode Agent} is made of. */
export interface AgentOptions extends TimeAndChance {
  events: Events;
  gate: PauseGate;
  store: DocumentStore;
  processing: Processing;
  settings: AgentSettings;
  /** Drain by itself once nothing claimable is left. */
  untilEmpty?: boolean;
  /** Gets what takes time, if it is wanted. */
  details?: Details;
  /** Keeps the agent to `RATE_LIMIT`, if there is one. */
  limiter?: RateLimiter | undefined;
  /** What all agents of the collection are asked for, if they are a fleet. */
  orders?: FirstOrders | undefined;
  /** Makes the logs that handlers are given. */
  logs: Pick<DocumentLogs, "logFor">;
}
