import type { ISerializer } from "@opentelemetry/otlp-transformer";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { errorText } from "../../agent/errors.ts";
import { timeOfDayMs } from "../../agent/lib/builtins.ts";
import type { TimeAndChance } from "../../agent/lib/time_and_chance.ts";
import type { Numbers } from "../../agent/metrics/numbers.ts";
import { resourceMetrics } from "./metric_data.ts";
import { Pacing } from "./pacing.ts";
import type { Sender } from "./sender.ts";
import type { Trouble } from "./trouble.ts";

/**
 * Pushes the numbers again and again. They count from the start of the process: if a request fails, the next one brings
 * all of it, so nothing is kept.
 */
export class MetricsPush {
  readonly #options: MetricsPushOptions;
  readonly #pacing: Pacing;
  #sending: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: MetricsPushOptions) {
    this.#options = options;
    this.#pacing = new Pacing(options);
    this.#wait();
  }

  /** Pushes the last numbers, even if the collector has asked for a wait; no longer than until `signal` aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    this.#cancel?.();
    this.#options.trouble.ending();
    await this.#sending;
    await this.#push(signal);
    this.#options.trouble.end(0);
  }

  #wait(): void {
    const { clock, ending, intervalMs } = this.#options;
    if (ending.aborted) return;
    this.#cancel = clock.after(intervalMs, () => this.#due(), { isBackground: true });
  }

  #due(): void {
    if (this.#pacing.isOpen) {
      this.#sending ??= this.#push(this.#options.ending).finally(() => this.#sending = undefined);
    }
    this.#wait();
  }

  async #push(signal: AbortSignal): Promise<void> {
    const { sender, trouble } = this.#options;
    try {
      const sent = await sender.send(this.#body(), signal);
      this.#pacing.note(sent);
      if (sent.kind === "taken") trouble.arrived();
      else trouble.failed(sent.why);
    } catch (error) {
      trouble.failed(errorText(error));
    }
  }

  #body(): Uint8Array {
    const { numbers, resource, scope, serializer } = this.#options;
    const from = { startMs: numbers.startedAtMs, endMs: timeOfDayMs() };
    return serializer.serializeRequest(resourceMetrics(numbers.collect(), { resource, scope, from }))!;
  }
}

/** What a {@linkcode MetricsPush} needs. */
export interface MetricsPushOptions extends TimeAndChance {
  numbers: Numbers;
  resource: Resource;
  scope: InstrumentationScope;
  sender: Sender;
  serializer: Pick<ISerializer<ResourceMetrics, unknown>, "serializeRequest">;
  trouble: Trouble;
  /** How often metrics are pushed. */
  intervalMs: number;
  /** Aborted when the agent ends: requests that are under way are given up then. */
  ending: AbortSignal;
}
