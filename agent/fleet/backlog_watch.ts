import { errorText } from "../errors.ts";
import type { AgentEvent, Backlog, Events } from "../events.ts";
import type { BacklogOfFleet, BacklogTurn, TurnOfAnother } from "./backlog_turn.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";

/** Time between the beginnings of two looks at least, in milliseconds. */
const EVERY_MS = 30_000;
/** The agents of a fleet start together: each waits up to this long before its first look, in milliseconds. */
const FIRST_WITHIN_MS = 5000;
/** After a look that took long, the agent waits this many times as long, but never longer than the bound, in milliseconds. */
const [SHARE, MOST_REST_MS] = [50, 500_000];
/** The registry is asked again after so long, in milliseconds, if it did not answer. */
const AGAIN_MS = 10_000;
/** An agent that did not look last leaves the next turn to the one that did for so long, and a little longer by chance. */
const AFTER_MS = 5000;
/** What is older is not known any more, in milliseconds: above all rests, so that it ends only if looks fail to come. */
const MOST_AGE_MS = 600_000;
const UNKNOWN: Backlog = { claimable: undefined, oldestMs: undefined, deadLetters: undefined };

/**
 * Looks at what waits from time to time, and reports it by an event. In a fleet one agent looks, and the others report what
 * it has found; each of them takes its place if it is late. Without a fleet every agent looks whose metrics show it, so that
 * the times differ by chance. While MongoDB is out of reach nothing is asked, and nothing is known.
 */
export class BacklogWatch {
  readonly #options: BacklogWatchOptions;
  #isReachable = false;
  #isStopped = false;
  #isLooking = false;
  #askedAtMs = -Infinity;
  #leastMs = 0;
  /** When was counted what was reported last; undefined if nothing is known. */
  #countedAtMs: number | undefined;
  /** Whether the agent has had time to join its fleet. */
  #hasWaited = false;
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
    this.#forget();
  }

  #lookIn(delayMs: number): void {
    const { clock } = this.#options;
    this.#cancel?.();
    // MongoDB may come and go.
    const tooSoonMs = this.#askedAtMs + this.#leastMs - clock.monotonicMs();
    this.#cancel = clock.after(Math.max(delayMs, tooSoonMs), () => this.#look(), { isBackground: true });
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { clock } = this.#options;
    this.#askedAtMs = clock.monotonicMs();
    this.#leastMs = AGAIN_MS;
    let waitMs = AGAIN_MS;
    try {
      waitMs = await this.#turn();
    } finally {
      this.#isLooking = false;
      if (!this.#isStopped && this.#isReachable) {
        if (clock.monotonicMs() - (this.#countedAtMs ?? Infinity) > MOST_AGE_MS) this.#forget();
        this.#lookIn(waitMs);
      }
    }
  }

  #emit(seen: { backlog: Backlog; agoMs: number }): void {
    const { clock, events } = this.#options;
    this.#countedAtMs = clock.monotonicMs() - seen.agoMs;
    events.emit({ type: "backlog_seen", ...seen });
  }

  #forget(): void {
    this.#countedAtMs = undefined;
    this.#options.events.emit({ type: "backlog_seen", backlog: UNKNOWN, agoMs: 0 });
  }

  /** Returns when to ask again. Never throws. */
  async #turn(): Promise<number> {
    const { isShown, random } = this.#options;
    const turn = await this.#turnOfFleet();
    if (turn === "later") return AGAIN_MS;
    if (turn && !turn.isOwn) return this.#report(turn);
    if (!turn && !isShown) return EVERY_MS * (1 + random() / 2);
    const restMs = await this.#ownLook(turn);
    this.#leastMs = Math.min(EVERY_MS, restMs);
    return restMs;
  }

  /** Undefined if the agent has to look for itself, or not at all. */
  async #turnOfFleet(): Promise<BacklogTurn | "later" | undefined> {
    const { fleet, isShown } = this.#options;
    try {
      const turn = await fleet?.turn();
      // Without metrics nothing is missing until the agent is in the registry.
      const waits = fleet && !(isShown && this.#hasWaited);
      this.#hasWaited = true;
      return turn ?? (waits ? "later" : undefined);
    } catch (error) {
      return fleet!.isTransient(error) ? "later" : undefined;
    }
  }

  #report({ againInMs, seen }: TurnOfAnother): number {
    const { random } = this.#options;
    if (seen && !this.#isStopped && this.#isReachable) this.#emit(seen);
    return againInMs + AFTER_MS * (1 + 2 * random());
  }

  async #ownLook(turn: Exclude<BacklogTurn, TurnOfAnother> | undefined): Promise<number> {
    const { clock, random, store } = this.#options;
    const startedMs = clock.monotonicMs();
    const { backlog, problem } = await store.backlog();
    const tookMs = clock.monotonicMs() - startedMs;
    const restMs = Math.min(MOST_REST_MS, Math.max(EVERY_MS, SHARE * tookMs) * (1 + random() / 2));
    if (this.#isStopped || !this.#isReachable) return restMs;
    this.#emit({ backlog, agoMs: 0 });
    this.#tell(problem);
    // Another agent may have the right that this one lacks. If a part is known, that counts: most fleets have one user.
    const isOthers = problem !== undefined && store.isForbidden(problem) && isUnknown(backlog);
    if (!isOthers) await turn?.share(backlog, restMs).catch(() => {});
    return restMs;
  }

  /** Reports a problem once, as long as it lasts. */
  #tell(problem: unknown): void {
    const { isShown, log, store } = this.#options;
    const error = problem === undefined ? "" : errorText(problem);
    if (error === this.#told) return;
    this.#told = error;
    if (problem === undefined) return;
    if (isShown && store.isForbidden(problem)) {
      log.warn(
        "The user of the agent may not count what waits, so metrics of the backlog are missing: grant it find",
        { error },
      );
    } else log.debug("What waits could not be counted, so metrics of the backlog are missing", { error });
  }
}

function isUnknown(backlog: Backlog): boolean {
  return Object.values(backlog).every((count) => count === undefined);
}

/** What a {@linkcode BacklogWatch} needs. */
export interface BacklogWatchOptions extends TimeAndChance {
  events: Events;
  /** The agents that look in turns, if there are others. */
  fleet: BacklogOfFleet | undefined;
  /** Whether metrics show it, so that the agent looks also without a fleet. */
  isShown: boolean;
  log: Record<"debug" | "warn", (message: string, fields: { error: string }) => void>;
  store: {
    /** Looks once. It never throws: what is not known is undefined, and the first error is the problem. */
    backlog(): Promise<{ readonly backlog: Backlog; readonly problem?: unknown }>;
    /** Whether a right is missing. */
    isForbidden(error: unknown): boolean;
  };
}
