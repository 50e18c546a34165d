import { Agent } from "../../agent/agent.ts";
import type { AgentSettings } from "../../agent/agent_settings.ts";
import { systemChance } from "../../agent/lib/chance.ts";
import type { Details } from "../../agent/details.ts";
import { RateLimiter, type Share, WHOLE } from "../../agent/pacing/rate_limiter.ts";
import type { Rate } from "../../agent/settings/rate.ts";
import { Events } from "../../agent/events.ts";
import type { CheckpointSaver } from "../../agent/ports.ts";
import type { DocumentLogs } from "../../agent/telemetry/document_log.ts";
import type { Processing, Processor, ProcessorLog } from "../../agent/processors/processor.ts";
import { PauseController } from "../../control/pause_controller.ts";
import { EventRecorder } from "./event_recorder.ts";
import { FakeStore } from "./fake_store.ts";
import { ManualClock } from "./manual_clock.ts";
import { TARGETS } from "./results.ts";

/** Settings of an agent in tests: round numbers, so that what happens when can be told by heart. */
export const AGENT_SETTINGS: AgentSettings & { batchSize: number } = {
  breakerCooldownMs: 10_000,
  // Off: documents of most tests fail on purpose.
  breakerThreshold: 0,
  batchSize: 10,
  concurrency: 4,
  leaseMs: 60_000,
  maxAttempts: 3,
  maxSnoozeMs: 600_000,
  pollIntervalMs: 5000,
  processTimeoutMs: 20_000,
  retryBackoffMs: 1000,
  retryBackoffMaxMs: 10_000,
  shutdownTimeoutMs: 30_000,
  ...TARGETS,
};

/** A log that says nothing. */
export const SILENT: ProcessorLog = { debug() {}, info() {}, warn() {}, error() {} };
/** Gives each handler a silent log. */
export const SILENT_LOGS: Pick<DocumentLogs, "logFor"> = { logFor: () => SILENT };

/** Takes checkpoints, and never writes one. */
export const NO_SAVER: CheckpointSaver = { saveSoon() {} };

/** An agent on a store in memory and a clock in the test's hands. */
export class AgentSetup {
  readonly clock = new ManualClock();
  readonly events = new Events();
  readonly recorder = new EventRecorder(this.events);
  readonly gate = new PauseController();
  readonly store: FakeStore;
  readonly agent: Agent;
  /** If the agent has a `RATE_LIMIT`. */
  readonly limiter: RateLimiter | undefined;

  constructor(
    processor: Processor | Processing,
    settings: Partial<AgentSettings> = {},
    options: { details?: Details; untilEmpty?: boolean; limit?: Rate; share?: Share } = {},
  ) {
    const { details, limit, share = WHOLE, untilEmpty = false } = options;
    this.limiter = limit && new RateLimiter({ clock: this.clock, limit, share });
    const merged: AgentSettings = { ...AGENT_SETTINGS, ...settings };
    this.store = new FakeStore(this.clock, merged.leaseMs);
    this.agent = new Agent({
      clock: this.clock,
      random: systemChance,
      events: this.events,
      gate: this.gate,
      store: this.store,
      processing: typeof processor === "function" ? { kind: "single", process: processor } : processor,
      settings: merged,
      logs: SILENT_LOGS,
      limiter: this.limiter,
      untilEmpty,
      ...(details && { details }),
    });
  }
}
