/**
 * Whole agents in the process of the test: as `main.ts` wires them, with nothing between them and their MongoDB.
 *
 * @module
 */

import { Agent } from "../../agent/agent.ts";
import type { AgentSettings } from "../../agent/agent_settings.ts";
import type { DrainReport } from "../../agent/drain.ts";
import { systemChance } from "../../agent/lib/chance.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { type AgentEvent, type EventOf, Events } from "../../agent/events.ts";
import type { DocumentStore } from "../../agent/ports.ts";
import type { Processing, Processor } from "../../agent/processors/processor.ts";
import { PauseController } from "../../control/pause_controller.ts";
import { EventRecorder } from "./event_recorder.ts";
import { TARGETS } from "./results.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** Short intervals, so that tests need not wait for a poll. */
const SETTINGS: AgentSettings = {
  breakerCooldownMs: 10_000,
  // Off: documents of most tests fail on purpose.
  breakerThreshold: 0,
  batchSize: 100,
  concurrency: 16,
  leaseMs: 60_000,
  maxAttempts: 5,
  maxSnoozeMs: 60_000,
  pollIntervalMs: 100,
  processTimeoutMs: 60_000,
  retryBackoffMs: 10,
  retryBackoffMaxMs: 20,
  shutdownTimeoutMs: 30_000,
  ...TARGETS,
};

/** An agent at work. `await using` forces it to stop. */
export class InProcessAgent implements AsyncDisposable {
  readonly agent: Agent;
  readonly gate = new PauseController();
  readonly #recorder: EventRecorder;
  /** Resolves when the agent has stopped. */
  readonly stopped: Promise<DrainReport>;

  constructor(
    store: DocumentStore,
    processor: Processor | Processing,
    settings: Partial<AgentSettings> = {},
    options: { untilEmpty?: boolean } = {},
  ) {
    const events = new Events();
    this.#recorder = new EventRecorder(events, ({ type }) => type !== "progress");
    this.agent = new Agent({
      clock: systemClock,
      random: systemChance,
      events,
      gate: this.gate,
      store,
      processing: typeof processor === "function" ? { kind: "single", process: processor } : processor,
      settings: { ...SETTINGS, ...settings },
      logs: { logFor: () => SILENT },
      ...options,
    });
    this.stopped = this.agent.run();
  }

  /** Everything that happened, but for the loop's steps. */
  get seen(): readonly AgentEvent[] {
    return this.#recorder.all;
  }

  /** The events of a kind so far. */
  all<T extends AgentEvent["type"]>(type: T): EventOf<T>[] {
    return this.#recorder.of(type);
  }

  /** How many documents events of a kind were about so far. */
  count(type: "processed" | "released" | "snoozed" | "lease_lost" | "unconfirmed" | "claimed"): number {
    return this.all(type).reduce((sum, { documents }) => sum + documents, 0);
  }

  /** Waits for an event of a kind, which may have happened already. */
  event<T extends AgentEvent["type"]>(type: T): Promise<EventOf<T>> {
    return this.until(`the event ${type}`, () => this.all(type)[0]);
  }

  /** Waits for what events tell, such as a {@linkcode InProcessAgent.count}: see {@linkcode EventRecorder.until}. */
  until<T>(description: string, look: () => T, options?: { timeoutMs?: number }): Promise<NonNullable<T>> {
    return this.#recorder.until(description, look, options);
  }

  /** Drains the agent and waits until it has stopped. */
  async drain(): Promise<DrainReport> {
    this.agent.drain("the test says so");
    return await this.stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.force("the test is over");
    await this.stopped;
  }
}
