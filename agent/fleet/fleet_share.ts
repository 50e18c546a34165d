import { errorText } from "../errors.ts";
import type { AgentEvent, Events } from "../events.ts";
import { InterruptibleSleep } from "../lib/interruptible_sleep.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
import { type FleetSeen, NO_SHARE, type RateLimiter } from "../pacing/rate_limiter.ts";
import type { FleetRegistry, OtherAgents } from "./registry.ts";

/** Time between two beats, in milliseconds: a bound below, one above, and between them so much for each agent. */
const BEAT = { leastMs: 2000, mostMs: 10_000, perAgentMs: 20 };
/** So many times as long an agent counts as alive without another beat. */
const LIVES_BEATS = 5;
/** The part of that time for which it uses its share: it stops before others take the share over. */
const SAFE_SHARE = 0.9;
/** An agent that has not got what it is due yet looks so many times as often. */
const UNSETTLED = 4;
/** An agent has this long for one document at most, in milliseconds. At lower rates fewer agents work, and others stand by. */
const LEAST_PACE_MS = 60_000;
/** Sums of fractions may be this far above a whole. */
const ROUNDING = 1e-9;

/**
 * Gives an agent its share of the fleet's `RATE_LIMIT`.
 *
 * An agent announces a share before it uses it, and then looks at what the others have announced: it uses no more than
 * they leave. Of two that announce at the same time, at least the later one sees the other. A share ends by itself before
 * other agents count its holder as dead. So the shares in use never add up to more than the limit, also while ten agents
 * start at once or a process was frozen. A new agent waits until the others have made room.
 */
export class FleetShare {
  readonly #options: FleetShareOptions;
  readonly #sleep: InterruptibleSleep;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isWorking = false;
  /** What it is due, as of the last look. */
  #goal = 0;
  #beatMs = BEAT.leastMs;
  #cancelEnd: (() => void) | undefined;
  #toldMissing = false;
  /** Whether the agent has reported that it cannot claim, because of the registry. */
  #hasFailed = false;

  constructor(options: FleetShareOptions) {
    this.#options = options;
    this.#sleep = new InterruptibleSleep(options.clock);
    options.events.subscribe((event) => this.#observe(event));
  }

  /** Begins to look for the other agents. */
  start(): void {
    this.#running = this.#run();
  }

  /** Gives the share back, so that the others need not wait for its end. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#give(NO_SHARE.fraction, 0);
    await this.#options.registry.leave().catch(() => {});
  }

  #observe(event: AgentEvent): void {
    if (event.type !== "state_changed") return;
    const isWorking = event.to === "running";
    if (isWorking === this.#isWorking) return;
    this.#isWorking = isWorking;
    if (!isWorking) this.#give(0, 0);
    this.#sleep.wake();
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    const { signal } = this.#stop;
    let atOnce = 0;
    while (!signal.aborted) {
      this.#sleep.forget();
      const wait = await this.#beat();
      // Each new agent changes what all are due: what they announce must not keep them from looking at each other.
      atOnce = wait === "none" ? atOnce + 1 : 0;
      if (wait === "none" && atOnce < UNSETTLED) continue;
      const waitMs = wait === "beat" ? this.#beatMs : this.#beatMs / UNSETTLED;
      await this.#sleep.sleep(waitMs * (0.8 + 0.4 * random()), signal);
    }
  }

  /** Announces, looks, and takes what the others leave. Returns how long to wait before the next. Never throws. */
  async #beat(): Promise<"none" | "short" | "beat"> {
    const { clock, registry } = this.#options;
    const isWorking = this.#isWorking;
    const announced = isWorking ? this.#goal : 0;
    const livesMs = LIVES_BEATS * this.#beatMs;
    const untilMs = clock.monotonicMs() + livesMs * SAFE_SHARE;
    // What others may count as theirs from the announcement on is not used any more.
    this.#give(Math.min(announced, this.#share), this.#options.limiter.share.untilMs);
    try {
      await registry.beat({ isWorking, share: announced, livesMs });
      const others = await registry.look();
      this.#answered();
      return this.#take(others, { announced, isWorking, untilMs });
    } catch (error) {
      this.#failed(error);
      return "short";
    }
  }

  #take(
    { before, shares, silent, working }: OtherAgents,
    { announced, isWorking, untilMs }: { announced: number; isWorking: boolean; untilMs: number },
  ): "none" | "short" | "beat" {
    const agents = working + 1;
    this.#beatMs = Math.min(BEAT.mostMs, Math.max(BEAT.leastMs, BEAT.perAgentMs * agents));
    this.#goal = isWorking ? this.#due(before, agents) : 0;
    // Meanwhile the agent may have been paused.
    if (isWorking !== this.#isWorking) return "none";
    const left = Math.max(0, 1 - shares);
    const isGranted = announced <= left + ROUNDING;
    this.#give(isGranted ? announced : left, untilMs, { agents: isWorking ? agents : working, silent });
    if (this.#goal !== announced) return "none";
    return isGranted ? "beat" : "short";
  }

  #due(before: number, agents: number): number {
    const { documents, perMs } = this.#options.limiter.limit;
    const most = Math.max(1, Math.floor((documents / perMs) * LEAST_PACE_MS + ROUNDING));
    const sharing = Math.min(agents, most);
    return before < sharing ? 1 / sharing : 0;
  }

  get #share(): number {
    return this.#options.limiter.share.fraction;
  }

  #give(
    fraction: number,
    untilMs: number,
    fleet: FleetSeen | undefined = this.#options.limiter.share.fleet,
  ): void {
    const { clock, limiter } = this.#options;
    this.#cancelEnd?.();
    limiter.setShare({ fraction, untilMs, fleet });
    if (fraction === 0) return;
    // What waits for its start is released then.
    const end = () => limiter.setShare({ ...NO_SHARE, fleet });
    this.#cancelEnd = clock.after(Math.max(0, untilMs - clock.monotonicMs()), end, { isBackground: true });
  }

  /** An agent that stands by claims nothing that would show that the failures are over. */
  #answered(): void {
    if (this.#hasFailed) this.#options.events.emit({ type: "registry_answers" });
    this.#hasFailed = this.#toldMissing = false;
  }

  /** As long as the share lasts, a failure does no harm. Without one nothing is claimed: the same as if claims fail. */
  #failed(error: unknown): void {
    const { events, log, registry } = this.#options;
    if (this.#stop.signal.aborted || this.#share > 0 || !this.#isWorking) return;
    const isForbidden = registry.isForbidden(error);
    if (isForbidden && !this.#toldMissing) {
      this.#toldMissing = true;
      log.error(
        "The agent may not join the fleet, so that it claims nothing: grant find, insert, update and remove, or set " +
          "RATE_LIMIT_SCOPE=agent",
        { collection: registry.name, error: errorText(error) },
      );
    }
    const retryInMs = this.#beatMs / UNSETTLED;
    this.#hasFailed = true;
    events.emit({ type: "claim_failed", error, retryInMs, isLasting: isForbidden });
  }
}

/** What a {@linkcode FleetShare} needs. */
export interface FleetShareOptions extends TimeAndChance {
  events: Events;
  limiter: Pick<RateLimiter, "limit" | "setShare" | "share">;
  log: { error(message: string, fields: { collection: string; error: string }): void };
  registry: FleetRegistry;
}
