import type { Agent } from "../../agent/agent.ts";
import type { Numbers } from "../../agent/metrics/numbers.ts";
import { versionInfo } from "../../agent/version.ts";
import type { HealthReporter } from "../../health/health_reporter.ts";
import type { PauseController } from "../pause_controller.ts";

const MIB = 2 ** 20;

/** The numbers that are read just when someone looks: what the agent holds, and in which state it is. */
export class Gauges {
  readonly #options: GaugeOptions;

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
    numbers.set("ready", Number(health.isReady));
    numbers.set("mongodbConnected", Number(health.isConnected));
    numbers.set("loopStuck", Number(health.isStuck));
    const { source, state } = gate.current;
    for (const each of ["signal", "file"] as const) {
      numbers.set("paused", Number(state === "paused" && source === each), { source: each });
    }
    const { heapUsed, rss } = Deno.memoryUsage();
    numbers.set("heapUsed", heapUsed);
    numbers.set("processMemory", rss);
  }
}

/** What {@linkcode Gauges} read. */
export interface GaugeOptions {
  agent: Pick<Agent, "stages">;
  gate: Pick<PauseController, "current">;
  health: Pick<HealthReporter, "isConnected" | "isReady" | "isStuck">;
  numbers: Numbers;
}
