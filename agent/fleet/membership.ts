import { errorText } from "../errors.ts";
import type { AgentEvent, Events } from "../events.ts";
import { InterruptibleSleep } from "../lib/interruptible_sleep.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
import type { AgentReport, FleetMembership } from "./registry.ts";

/** Time between two beats, in milliseconds. */
const BEAT_MS = 10_000;
/** As long as changes of what is wanted are told, so many beats do without reading it. */
const UNREAD = 5;
/** If the registry cannot be used, for a reason that does not pass by itself, the agent tries that so much more rarely. */
const RARELY = 6;

/**
 * Shows the agent in the registry of its fleet: what it does, every ten seconds, and at once if its state or what it was
 * asked for has changed. It reads what the operators want of all agents with each
 * beat, or with every sixth as long as their changes are told.
 *
 * The work never waits for it. If the registry cannot be used, it logs that once, and the agent works as it does without a
 * fleet.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #sleep: InterruptibleSleep;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isMissing = false;
  /** Whether something has changed that the entry is to show at once. */
  #hasNews = true;
  #shownControlId: string | undefined;
  /** The readiness that the last beat has shown, or tried to show. */
  #shownReady = false;
  #dueMs = -Infinity;
  /** Whether {@linkcode ordersChanged} is called when the operators want something else. */
  areOrdersTold = false;
  #isReadWanted = true;
  /** Beats since the last one that has read what is wanted. */
  #beatsSinceRead = 0;
  readonly #first = Promise.withResolvers<void>();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#sleep = new InterruptibleSleep(options.clock);
    options.events.subscribe((event) => this.#observe(event));
  }

  /** Begins to beat. */
  start(): void {
    this.#running = this.#run();
  }

  /** Resolves once the agent is shown, or it is known that it cannot be. */
  get firstBeat(): Promise<void> {
    return this.#first.promise;
  }

  /** The collection of the documents was found, or lost. */
  sourceChanged(): void {
    this.#hasNews = true;
    this.#sleep.wake();
  }

  /** A hint that the operators may want something else: it is read at once, and what comes of it is shown. */
  ordersChanged(): void {
    this.#isReadWanted = true;
    this.#sleep.wake();
  }

  /** Ends the beats, and removes the entry. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#options.registry.leave().catch(() => {});
  }

  #observe(event: AgentEvent): void {
    if (event.type === "progress") return;
    const isNews = event.type === "state_changed" || event.type === "pause_changed" ||
      (event.type === "reachable_changed" && event.isReachable);
    if (!isNews && this.#options.isReady() === this.#shownReady) return;
    this.#hasNews = true;
    this.#sleep.wake();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#beat();
      await this.#sleep.sleep(this.#dueMs - clock.monotonicMs(), signal);
    }
  }

  /** Never throws. */
  async #beat(): Promise<void> {
    const { clock, random, registry } = this.#options;
    try {
      // A hint that comes from now on is about what this may not read any more.
      this.#sleep.forget();
      const isReady = this.#options.isReady();
      if (isReady !== this.#shownReady) this.#hasNews = true;
      this.#shownReady = isReady;
      await this.#read();
      const report = this.#options.report();
      const isDue = clock.monotonicMs() >= this.#dueMs || this.#hasNews;
      if (this.#stop.signal.aborted || !(isDue || report.controlId !== this.#shownControlId)) return;
      this.#hasNews = false;
      this.#shownReady = report.isReady;
      // Without its collection it is shown nowhere yet.
      if (await registry.report(report)) this.#first.resolve();
      else this.#hasNews = true;
      this.#shownControlId = report.controlId;
      this.#answered();
    } catch (error) {
      this.#failed(error);
    }
    const waitMs = this.#isMissing ? RARELY * BEAT_MS : BEAT_MS;
    this.#dueMs = clock.monotonicMs() + waitMs * (0.9 + 0.2 * random());
  }

  async #read(): Promise<void> {
    this.#beatsSinceRead += 1;
    if (this.areOrdersTold && !this.#isReadWanted && this.#beatsSinceRead <= UNREAD) return;
    // A hint that comes meanwhile is about a change that this reading may not see.
    this.#isReadWanted = false;
    await this.#options.orders.read();
    this.#beatsSinceRead = 0;
  }

  #answered(): void {
    if (this.#isMissing) this.#options.log.info("The registry of the fleet can be used now");
    this.#isMissing = false;
  }

  #failed(error: unknown): void {
    this.#isReadWanted = true;
    const { log, registry } = this.#options;
    if (this.#isMissing || this.#stop.signal.aborted || registry.isTransient(error)) return;
    this.#isMissing = true;
    this.#first.resolve();
    log.warn(
      "Cannot use the registry of the fleet, so that `pause --fleet` may not reach the agent: mend what the error says, or set FLEET=off",
      { collection: registry.name, error: errorText(error) },
    );
  }
}

/** What a {@linkcode Membership} needs. */
export interface MembershipOptions extends TimeAndChance {
  events: Events;
  log: {
    info(message: string): void;
    warn(message: string, fields: { collection: string; error: string }): void;
  };
  /** What the operators want of all agents. `read` throws what the database throws. */
  orders: { read(): Promise<void> };
  registry: FleetMembership;
  /** Whether the agent is ready: if that changes, it is shown at once. */
  isReady(): boolean;
  /** What the agent is doing now. */
  report(): AgentReport;
}
