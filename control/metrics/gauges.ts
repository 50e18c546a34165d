import type { Agent } from "../../agent/agent.ts";
import type { RateLimiter } from "../../agent/pacing/rate_limiter.ts";
import type { Numbers } from "../../agent/metrics/numbers.ts";
import { versionInfo } from "../../agent/version.ts";
import type { HealthReporter } from "../../health/health_reporter.ts";
import type { PauseController } from "../pause_controller.ts";

const MIB = 2 ** 20;

/** The numbers that are read just when someone looks: what the agent holds, and in which state it is. */
export class Gauges {
  readonly #options: GaugeOptions;
  /** What is counted already of the time that `RATE_LIMIT` has held the agent back, in milliseconds. */
  #limitedMs = 0;

  constructor(options: GaugeOptions) {
    this.#options = options;
    const { numbers } = options;
    numbers.set("buildInfo", 1);
    numbers.set("heapLimit", versionInfo().heapLimitMiB * MIB);
    numbers.set("processStart", performance.timeOrigin / 1000);
    numbers.beforeCollect(() => this.#read());
  }

  #read(): void {
    const { agent, gate, health, numbers } = this.#options;
    const { running, settling, waiting } = agent.stages;
    numbers.set("held", waiting, { stage: "waiting" });
    numbers.set("held", running, { stage: "running" });
    numbers.set("held", settling, { stage: "settling" });
    numbers.set("batchSize", agent.batchSize);
    numbers.set("ready", Number(health.isReady));
    numbers.set("mongodbConnected", Number(health.isConnected));
    numbers.set("loopStuck", Number(health.isStuck));
    const { source, state } = gate.current;
    for (const each of ["signal", "file", "fleet"] as const) {
      numbers.set("paused", Number(state === "paused" && source === each), { source: each });
    }
    this.#readLimit();
    const { heapUsed, rss } = Deno.memoryUsage();
    numbers.set("heapUsed", heapUsed);
    numbers.set("processMemory", rss);
  }

  #readLimit(): void {
    const { limiter, numbers } = this.#options;
    if (!limiter) return;
    numbers.set("rateLimit", limiter.perSecond);
    const { heldMs } = limiter;
    numbers.add("rateLimitedSeconds", (heldMs - this.#limitedMs) / 1000);
    this.#limitedMs = heldMs;
  }
}

/** What {@linkcode Gauges} read. */
export interface GaugeOptions {
  agent: Pick<Agent, "batchSize" | "stages">;
  gate: Pick<PauseController, "current">;
  health: Pick<HealthReporter, "isConnected" | "isReady" | "isStuck">;
  /** If `RATE_LIMIT` is set. */
  limiter?: Pick<RateLimiter, "heldMs" | "perSecond"> | undefined;
  numbers: Numbers;
}
