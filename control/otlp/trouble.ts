import type { Clock } from "../../agent/lib/clock.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";
import type { Destination } from "./destinations.ts";

/** A line of the same kind is written once in this time at most, in milliseconds. */
const EVERY_MS = 60_000;

/** Tells of telemetry that does not arrive: at most a few lines a minute, however long that lasts. */
export class Trouble {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #common: { readonly signal: string; readonly endpoint: string };
  readonly #toldAtMs = { trouble: -Infinity, leftOut: -Infinity, recovered: -Infinity };
  /** Spans that were made and will not arrive, since that was told. */
  #lost = 0;
  /** Spans that were not made, since that was told. */
  #leftOut = 0;
  #error: string | undefined;
  /** Whether the log says that nothing arrives. */
  #isTold = false;
  /** One line is enough for the end. */
  #isEnding = false;

  constructor({ shown, signal }: Destination, log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#common = { signal, endpoint: shown };
  }

  /** A request has failed, and `lost` spans with it. */
  failed(error: string, lost = 0): void {
    this.#lost += lost;
    this.#error = error;
    if (!this.#isEnding && this.#isDue("trouble")) this.#tell();
  }

  /** A request has arrived. */
  arrived(): void {
    this.#error = undefined;
    if (!this.#isTold || !this.#isDue("recovered")) return;
    this.#isTold = false;
    this.#log.info("Telemetry arrives again", { ...this.#common, ...this.#lostSince() });
  }

  /** There was no room for so many spans since this was called last. */
  leftOut(spans: number): void {
    this.#leftOut += spans;
    if (this.#leftOut > 0 && this.#isDue("leftOut")) this.#tellLeftOut();
  }

  /** The agent is about to end: what goes wrong from now on is told by {@linkcode Trouble.end}. */
  ending(): void {
    this.#isEnding = true;
  }

  /** Tells what was not told yet, and that `lost` spans more are lost. */
  end(lost: number): void {
    this.#lost += lost;
    if (this.#leftOut > 0) this.#tellLeftOut();
    if (this.#lost > 0 || (this.#error !== undefined && !this.#isTold)) this.#tell();
  }

  #tell(): void {
    this.#isTold = true;
    this.#log.warn("Telemetry does not arrive: look at the collector, and at OTEL_EXPORTER_OTLP_ENDPOINT", {
      ...this.#common,
      error: this.#error ?? "there was no time to send all of it",
      ...this.#lostSince(),
    });
  }

  #tellLeftOut(): void {
    this.#log.warn(
      "Spans were left out, as more come than are pushed: sample fewer with OTEL_TRACES_SAMPLER, or raise OTEL_BSP_MAX_QUEUE_SIZE",
      { ...this.#common, spans: this.#leftOut },
    );
    this.#leftOut = 0;
  }

  #lostSince(): { lost?: number } {
    const lost = this.#lost;
    this.#lost = 0;
    return lost > 0 ? { lost } : {};
  }

  #isDue(kind: "trouble" | "leftOut" | "recovered"): boolean {
    const now = this.#clock.monotonicMs();
    if (now - this.#toldAtMs[kind] < EVERY_MS) return false;
    this.#toldAtMs[kind] = now;
    return true;
  }
}
