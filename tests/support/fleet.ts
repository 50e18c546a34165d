import { assert, assertEquals } from "@std/assert";
import { Events } from "../../agent/events.ts";
import { FleetShare } from "../../agent/fleet/fleet_share.ts";
import type { FleetEntry, FleetRegistry, OtherAgents } from "../../agent/fleet/registry.ts";
import type { Chance } from "../../agent/lib/chance.ts";
import { NO_SHARE, RateLimiter } from "../../agent/pacing/rate_limiter.ts";
import type { Rate } from "../../agent/settings/rate.ts";
import { EventRecorder } from "./event_recorder.ts";
import { ManualClock } from "./manual_clock.ts";
import { testRandom } from "./random.ts";

const FIFTY: Rate = { documents: 50, perMs: 1000 };

interface Entry extends FleetEntry {
  order: number;
  seenMs: number;
}

/** The entries of a fleet, on one clock: that of the server. */
export class Fleet {
  readonly clock = new ManualClock();
  readonly entries = new Map<number, Entry>();
  readonly agents: Member[] = [];
  readonly random: Chance;
  /** Why the server refuses what is sent. */
  refusal: Error | undefined;
  operations = 0;

  constructor(random = testRandom()) {
    this.random = random;
  }

  add(limit = FIFTY): Member {
    const agent = new Member(this, this.agents.length, limit);
    this.agents.push(agent);
    return agent;
  }

  /** The sum of all shares in use, and it is never more than one. */
  get shares(): number {
    return this.agents.reduce((sum, { limiter }) => sum + limiter.share.fraction, 0);
  }

  /** Lets time pass, and looks at the sum all the while. */
  async pass(ms: number): Promise<void> {
    for (const endMs = this.clock.monotonicMs() + ms; this.clock.monotonicMs() < endMs;) {
      await this.clock.advance(Math.min(100, endMs - this.clock.monotonicMs()));
      assert(this.shares <= 1 + 1e-6, `${this.shares} of the limit is used`);
    }
  }

  /** Where a share is, and how much. */
  get fractions(): number[] {
    return this.agents.map(({ limiter }) => Number(limiter.share.fraction.toFixed(4)));
  }

  async end(): Promise<void> {
    this.refusal = undefined;
    for (const agent of this.agents) agent.thaw();
    await this.clock.advance(1000);
    const stopped = Promise.all(this.agents.map((agent) => agent.share.stop()));
    await this.clock.advance(1000);
    await stopped;
    assertEquals([this.entries.size, this.clock.pending], [0, 0]);
  }
}

/** An agent of a fleet, with a registry whose answers take as long as a test wants. */
class Member implements FleetRegistry {
  readonly name = "test.documents_agents";
  readonly limiter: RateLimiter;
  readonly share: FleetShare;
  readonly recorder: EventRecorder;
  readonly errors: string[] = [];
  readonly #events = new Events();
  readonly #fleet: Fleet;
  readonly #order: number;
  #state: "starting" | "running" | "paused" | "draining" = "starting";
  #frozen: PromiseWithResolvers<void> | undefined;
  latencyMs = 0;

  constructor(fleet: Fleet, order: number, limit: Rate) {
    const { clock, random } = fleet;
    this.#fleet = fleet;
    this.#order = order;
    this.recorder = new EventRecorder(this.#events);
    this.limiter = new RateLimiter({ clock, limit, share: NO_SHARE });
    const log = { error: (message: string) => void this.errors.push(message) };
    this.share = new FleetShare({
      clock,
      random,
      events: this.#events,
      limiter: this.limiter,
      log,
      registry: this,
    });
  }

  start(): void {
    this.share.start();
    this.enter("running");
  }

  enter(to: "running" | "paused" | "draining"): void {
    this.#events.emit({ type: "state_changed", from: this.#state, to });
    this.#state = to;
  }

  /** Nothing that it sends arrives, and no answer reaches it: as if it was killed, or cut off. */
  freeze(): void {
    this.#frozen ??= Promise.withResolvers();
  }

  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  async beat(entry: FleetEntry): Promise<void> {
    await this.#sent();
    this.#fleet.entries.set(this.#order, {
      ...entry,
      order: this.#order,
      seenMs: this.#fleet.clock.monotonicMs(),
    });
    await this.#sent();
  }

  async look(): Promise<OtherAgents> {
    await this.#sent();
    const nowMs = this.#fleet.clock.monotonicMs();
    const others = [...this.#fleet.entries.values()].filter(({ order }) => order !== this.#order);
    const alive = others.filter(({ livesMs, seenMs }) => seenMs + livesMs > nowMs);
    const working = alive.filter(({ isWorking }) => isWorking);
    const seen = {
      working: working.length,
      before: working.filter(({ order }) => order < this.#order).length,
      shares: alive.reduce((sum, { share }) => sum + share, 0),
      silent: others.length - alive.length,
    };
    await this.#sent();
    return seen;
  }

  leave(): Promise<void> {
    this.#fleet.entries.delete(this.#order);
    return Promise.resolve();
  }

  isForbidden(error: unknown): boolean {
    return error instanceof Error && error.message === "not authorized";
  }

  async #sent(): Promise<void> {
    const { clock, refusal } = this.#fleet;
    this.#fleet.operations += 1;
    if (this.latencyMs > 0) await new Promise<void>((resolve) => clock.after(this.latencyMs, resolve));
    await this.#frozen?.promise;
    if (refusal) throw refusal;
  }
}
