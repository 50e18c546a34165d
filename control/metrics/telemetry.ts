import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { Numbers } from "../../agent/metrics/numbers.ts";
import { prometheusText } from "../../agent/metrics/prometheus_text.ts";
import { MetricsRecorder } from "../../agent/metrics/recorder.ts";
import { versionInfo } from "../../agent/version.ts";
import type { Parts } from "../run/parts.ts";
import type { Otlp } from "../otlp/otlp.ts";
import { Gauges } from "./gauges.ts";
import { LoopDelay } from "./loop_delay.ts";
import { MetricsServer } from "./metrics_server.ts";

/** The metrics of a run, and the places where they are shown. It is loaded only if there is such a place. */
export class Telemetry {
  /** All numbers of the run. */
  readonly numbers: Numbers;
  readonly #parts: Parts;
  readonly #loopDelay: LoopDelay;
  #otlp: Otlp | undefined;
  readonly #server: MetricsServer | undefined;

  /**
   * Counts from now on, and opens the sinks.
   *
   * @throws {CommandError} If `METRICS_PORT` cannot be listened on.
   */
  constructor(parts: Parts) {
    const { clock } = SYSTEM;
    const { agent, details, events, gate, health, limiter, settings } = parts;
    const { metricsFile, metricsHost, metricsPort, mongodbCollection, mongodbDatabase } = settings;
    const { commit, version } = versionInfo();
    const numbers = new Numbers({
      database: mongodbDatabase,
      collection: mongodbCollection,
      commit,
      version,
    });
    new MetricsRecorder({ clock, details, events, numbers });
    new Gauges({ agent, gate, health, limiter, numbers });
    const text = () => prometheusText(numbers.collect());
    this.#parts = parts;
    this.numbers = numbers;
    this.#loopDelay = new LoopDelay(clock, numbers);
    this.#server = metricsPort === undefined
      ? undefined
      : new MetricsServer({ hostname: metricsHost, port: metricsPort }, clock, text);
    if (metricsFile) health.writeMetrics(() => text().trimEnd());
  }

  /** Pushes the numbers as well. */
  push(otlp: Otlp): void {
    this.#otlp = otlp;
  }

  /** The run begins. */
  start(): void {
    const { log, settings: { metricsHost, metricsPort } } = this.#parts;
    this.#loopDelay.start();
    if (this.#server) log.info("Serving /metrics", { host: metricsHost, port: metricsPort });
  }

  /** Pushes what is left, within `limitMs`. Never throws. */
  async flush(limitMs: number): Promise<void> {
    await this.#otlp?.end(limitMs);
  }

  /** Closes the sinks. */
  stop(): void {
    this.#loopDelay.stop();
    this.#server?.close();
  }
}
