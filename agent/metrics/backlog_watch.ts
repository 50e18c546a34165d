import { errorText } from "../errors.ts";
import type { AgentEvent, Backlog, Events } from "../events.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";

/** Time between the beginnings of two looks at least, in milliseconds. */
const EVERY_MS = 30_000;
/** The agents of a fleet start together: each waits up to this long before its first look, in milliseconds. */
const FIRST_WITHIN_MS = 5000;
/** After a look that took long, the agent waits this many times as long. */
const SHARE = 50;
const UNKNOWN: Backlog = { claimable: undefined, oldestMs: undefined, deadLetters: undefined };

/**
 * Looks at what waits from time to time, and reports it by an event. Every agent looks, so that the times differ by
 * chance. While MongoDB is out of reach nothing is asked, and nothing is known.
 */
export class BacklogWatch {
  readonly #options: BacklogWatchOptions;
  #isReachable = false;
  #isStopped = false;
  #isLooking = false;
  #lookedAtMs = -Infinity;
  #told = "";
  #cancel: (() => void) | undefined;

  constructor(options: BacklogWatchOptions) {
    this.#options = options;
    options.events.subscribe((event) => this.#observe(event));
  }

  /** Ends it. A look that is under way is not reported any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #observe(event: AgentEvent): void {
    if (event.type !== "reachable_changed" || this.#isStopped) return;
    this.#isReachable = event.isReachable;
    if (event.isReachable) return this.#lookIn(FIRST_WITHIN_MS * this.#options.random());
    this.#cancel?.();
    this.#options.events.emit({ type: "backlog_seen", backlog: UNKNOWN });
  }

  #lookIn(delayMs: number): void {
    const { clock } = this.#options;
    this.#cancel?.();
    // MongoDB may come and go.
    const tooSoonMs = this.#lookedAtMs + EVERY_MS - clock.monotonicMs();
    this.#cancel = clock.after(Math.max(delayMs, tooSoonMs), () => this.#look(), { isBackground: true });
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { clock, events, random, store } = this.#options;
    this.#lookedAtMs = clock.monotonicMs();
    const { backlog, problem } = await store.backlog();
    this.#isLooking = false;
    if (this.#isStopped || !this.#isReachable) return;
    const tookMs = clock.monotonicMs() - this.#lookedAtMs;
    events.emit({ type: "backlog_seen", backlog });
    this.#tell(problem);
    this.#lookIn(Math.max(EVERY_MS, SHARE * tookMs) * (1 + random() / 2));
  }

  /** Reports a problem once, as long as it lasts. */
  #tell(problem: unknown): void {
    const { log, store } = this.#options;
    const error = problem === undefined ? "" : errorText(problem);
    if (error === this.#told) return;
    this.#told = error;
    if (problem === undefined) return;
    if (store.isForbidden(problem)) {
      log.warn(
        "The user of the agent may not count what waits, so metrics of the backlog are missing: grant it find",
        { error },
      );
    } else log.debug("What waits could not be counted, so metrics of the backlog are missing", { error });
  }
}

/** What a {@linkcode BacklogWatch} needs. */
export interface BacklogWatchOptions extends TimeAndChance {
  events: Events;
  log: Record<"debug" | "warn", (message: string, fields: { error: string }) => void>;
  store: {
    /** Looks once. It never throws: what is not known is undefined, and the first error is the problem. */
    backlog(): Promise<{ readonly backlog: Backlog; readonly problem?: unknown }>;
    /** Whether a right is missing. */
    isForbidden(error: unknown): boolean;
  };
}
