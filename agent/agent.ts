import type { Clock } from "./lib/clock.ts";
import type { AgentEvent, AgentState, Events } from "./events.ts";
import { LeaseKeeper } from "./leases/lease_keeper.ts";
import { Ledger } from "./leases/ledger.ts";
import { Pool } from "./handling/pool.ts";
import { PollLoop } from "./claiming/poll_loop.ts";
import type { DocumentStore, LeasedDocument, PauseGate } from "./ports.ts";
import type { Processing, ProcessorLog } from "./processors/processor.ts";
import type { Settings } from "./settings/settings.ts";
import { RefusedOutcomes } from "./settling/refused_outcome.ts";
import { RetrySchedule } from "./claiming/retry_schedule.ts";
import { Settler } from "./settling/settler.ts";

/** What an {@linkcode Agent} is made of. */
export interface AgentOptions {
  clock: Clock;
  events: Events;
  gate: PauseGate;
  store: DocumentStore;
  processing: Processing;
  settings: AgentSettings;
  /** Drain by itself once nothing claimable is left. */
  untilEmpty?: boolean;
  logFor(document: LeasedDocument | undefined): ProcessorLog;
}

/** The settings that the agent itself follows. */
export type AgentSettings = Pick<
  Settings,
  | "batchSize"
  | "concurrency"
  | "leaseDurationMs"
  | "maxAttempts"
  | "pollIntervalMs"
  | "processTimeoutMs"
  | "retryBackoffMs"
  | "retryBackoffMaxMs"
  | "shutdownTimeoutMs"
>;

/** The reason of a drain that the agent itself began, as it was told to end then. */
export const NOTHING_LEFT = "nothing is left";

/** The reason of a drain that the agent itself began, as it was told to end and no wait would let it claim. */
export const CANNOT_CLAIM = "claims fail, and no wait mends it";

/** The same, if no wait would let it write what became of documents. */
export const CANNOT_WRITE = "outcomes cannot be written, and no wait mends it";

/** What a stopped agent leaves behind. */
export interface DrainReport {
  /** Documents that were finished since the drain began. */
  finished: number;
  /** Documents that were handed back with their attempt: not started, or their handler was aborted. */
  released: number;
  /** Documents whose fate could not be written: their leases run out by themselves. */
  abandoned: number;
}

const SETTLED = new Set<AgentEvent["type"]>([
  "processed",
  "retried",
  "retried_among",
  "dead_lettered",
  "released",
  "lease_lost",
  "unconfirmed",
]);

/** The server's clock may be this far behind what the agent takes it for, in milliseconds: due for one is not due for the other. */
const CLOCKS_APART_MS = 500;

/** After a forced stop: how long documents may take to be handed back before they are abandoned, in milliseconds. */
const RELEASE_LIMIT_MS = 3000;

/**
 * The life of an agent: it claims and processes until it is told to drain, and gives up what is left when it is forced.
 *
 * Two signals mark the two ends: after `#claiming` nothing is claimed any more; after `#working` nothing is waited for.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #ledger = new Ledger();
  readonly #loop: PollLoop;
  readonly #pool: Pool;
  readonly #settler: Settler;
  readonly #keeper: LeaseKeeper;
  readonly #retries: RetrySchedule;
  readonly #claiming = new AbortController();
  readonly #working = new AbortController();
  #state: AgentState = "starting";

  constructor(options: AgentOptions) {
    const { clock, events, gate, settings, store } = options;
    const ledger = this.#ledger;
    const leaseMs = settings.leaseDurationMs;
    const claimingSignal = this.#claiming.signal;
    this.#options = options;
    const refusedOutcomes = new RefusedOutcomes();
    const retries = { add: (delayMs: number) => this.#scheduleLook(delayMs) };
    this.#settler = new Settler({ ...settings, clock, events, ledger, refusedOutcomes, retries, store });
    this.#keeper = new LeaseKeeper({ clock, events, ledger, store, leaseMs });
    this.#pool = new Pool({
      ...settings,
      clock,
      events,
      ledger,
      leaseMs,
      processing: options.processing,
      refusedOutcomes,
      markRunningAlone: (document) => store.markRunningAlone(document),
      isTransient: (error) => store.isTransient(error),
      isDoubtful: (error) => store.isDoubtful(error),
      logFor: options.logFor,
      settle: (held, outcome) => this.#settler.settle(held, outcome),
    });
    this.#loop = new PollLoop({
      ...settings,
      clock,
      events,
      ledger,
      store,
      gate: {
        // Draining closes the gate as well, so that one look at the gate is enough.
        get isOpen() {
          return gate.isOpen && !claimingSignal.aborted;
        },
        waitOpen: (signal) => gate.waitOpen(signal),
        onChange: (listener) => gate.onChange(listener),
      },
      process: (documents) => this.#pool.add(documents),
      release: (documents) => this.#release(documents),
      stuckHandlers: () => this.#pool.stuckHandlers,
      onEmpty: () => this.#onEmpty(),
      onHopeless: () => {
        if (options.untilEmpty) this.drain(CANNOT_CLAIM);
      },
    });
    gate.onChange((isOpen) => this.#gateChanged(isOpen));
    this.#retries = new RetrySchedule(clock, () => this.#loop.wake());
    events.subscribe((event) => {
      const isBack = event.type === "released" ||
        (event.type === "unconfirmed" && event.during === "release");
      if (isBack && options.untilEmpty) this.#scheduleLook(0);
      if (SETTLED.has(event.type)) this.#loop.settled();
    });
  }

  get state(): AgentState {
    return this.#state;
  }

  /** How much is held right now. */
  get held(): { documents: number; running: number } {
    const { documents, running } = this.#ledger.counts;
    return { documents, running };
  }

  /** Works until {@linkcode Agent.drain} or {@linkcode Agent.force} is called, then says what became of the rest. */
  async run(): Promise<DrainReport> {
    const { clock, events } = this.#options;
    const claiming = this.#claiming.signal;
    this.#keeper.start();
    if (!claiming.aborted) this.#enter(this.#options.gate.isOpen ? "running" : "paused");
    if (this.#options.untilEmpty) this.#wakeWhenEmpty();
    const loop = this.#loop.run(claiming);
    await aborted(claiming);

    const sinceMs = clock.monotonicMs();
    const report = this.#startReport();
    this.#retries.stop();
    this.#pool.close();
    report.abandoned = await this.#finish(loop);
    this.#settler.stop();
    this.#keeper.stop();
    events.emit({ type: "drain_finished", elapsedMs: clock.monotonicMs() - sinceMs, ...report });
    this.#enter("stopped");
    return report;
  }

  /** A hint that there may be something to claim. */
  wake(): void {
    this.#loop.wake();
  }

  /** Claims nothing any more and finishes what is in flight; forced after `SHUTDOWN_TIMEOUT`. */
  drain(reason: string): void {
    if (this.#claiming.signal.aborted) return;
    const { clock, events, settings } = this.#options;
    this.#enter("draining");
    events.emit({ type: "drain_started", reason, inFlight: this.#ledger.counts.running });
    events.emit({
      type: "progress",
      stage: "draining",
      deadlineMs: clock.monotonicMs() + settings.shutdownTimeoutMs + 2 * RELEASE_LIMIT_MS,
    });
    this.#claiming.abort();
    const cancel = clock.after(settings.shutdownTimeoutMs, () => this.force("SHUTDOWN_TIMEOUT has passed"));
    this.#working.signal.addEventListener("abort", cancel);
    events.subscribe((event) => {
      if (event.type === "drain_finished") cancel();
    });
  }

  /** Aborts what is in flight and hands it back. */
  force(reason: string): void {
    this.drain(reason);
    if (this.#working.signal.aborted) return;
    this.#options.events.emit({ type: "force_started", reason, inFlight: this.#ledger.counts.running });
    this.#working.abort();
  }

  async #onEmpty(): Promise<void> {
    const { events, store, untilEmpty } = this.#options;
    // A retry that this agent has scheduled is work of its own that is left.
    if (!untilEmpty || !this.#retries.isEmpty) return;
    events.emit({ type: "left_alone", groups: await store.leftAlone(true) ?? [] });
    this.drain(NOTHING_LEFT);
  }

  /** An agent that ends when nothing is left has to look again as soon as it holds nothing, however that came about. */
  async #wakeWhenEmpty(): Promise<void> {
    const claiming = this.#claiming.signal;
    while (!claiming.aborted) {
      await this.#ledger.nextRemoval(claiming);
      if (this.#ledger.counts.documents === 0) this.#loop.wake();
    }
  }

  /** Waits until nothing is held, hands back what is left when forced, and returns how much had to be abandoned. */
  async #finish(loop: Promise<void>): Promise<number> {
    const working = this.#working.signal;
    // A claim under way may still bring documents, those included that would be handed back before it has ended.
    await Promise.race([loop, aborted(working)]);
    this.#pool.releaseWaiting();
    this.#settler.flush();
    await this.#ledger.empty(working);
    if (!working.aborted) return 0;

    const limit = new AbortController();
    const cancel = this.#options.clock.after(RELEASE_LIMIT_MS, () => limit.abort());
    this.#pool.force();
    this.#settler.flush();
    await Promise.race([loop, aborted(limit.signal)]);
    await this.#ledger.empty(limit.signal);
    cancel();
    return this.#ledger.counts.documents;
  }

  #startReport(): DrainReport {
    const report: DrainReport = { finished: 0, released: 0, abandoned: 0 };
    this.#options.events.subscribe((event) => {
      if (event.type === "processed" || event.type === "retried_among") report.finished += event.documents;
      if (event.type === "retried" || event.type === "dead_lettered") report.finished += 1;
      if (event.type === "released") report.released += event.documents;
    });
    return report;
  }

  /** Looks again when a document of this agent is due; `--until-empty` looks once more a moment later. */
  #scheduleLook(delayMs: number): void {
    if (this.#claiming.signal.aborted) return;
    this.#retries.add(delayMs);
    if (this.#options.untilEmpty) this.#retries.add(delayMs + CLOCKS_APART_MS);
  }

  #release(documents: readonly LeasedDocument[]): void {
    // All are entered before the first is settled: the last of a claim is what sends the write, one for them all.
    const held = documents.map((document) => this.#ledger.add(document));
    for (const each of held) this.#settler.settle(each, { kind: "release" });
  }

  #gateChanged(isOpen: boolean): void {
    if (this.#state !== "running" && this.#state !== "paused") return;
    this.#enter(isOpen ? "running" : "paused");
    if (isOpen) this.#loop.wake();
    else this.#pool.releaseWaiting();
  }

  #enter(to: AgentState): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#options.events.emit({ type: "state_changed", from, to });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}
