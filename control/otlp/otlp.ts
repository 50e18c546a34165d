import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import type { Resource } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { Details } from "../../agent/details.ts";
import { doneBy } from "../../agent/lib/deadline.ts";
import { SYSTEM, type TimeAndChance } from "../../agent/lib/time_and_chance.ts";
import type { Numbers } from "../../agent/metrics/numbers.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";
import { versionInfo } from "../../agent/version.ts";
import type { Destination } from "./destinations.ts";
import { MetricsPush } from "./metrics_push.ts";
import { resourceOf } from "./resource.ts";
import { LinkSampler } from "./sampling.ts";
import { Sender } from "./sender.ts";
import { SpanQueue } from "./span_queue.ts";
import { Spans } from "./spans.ts";
import { Trouble } from "./trouble.ts";

/** Requests that are given up may take this long to notice, in milliseconds. */
const CLOSE_LIMIT_MS = 250;
/** Why they were given up. */
const NO_TIME = "there was no answer before the agent ended";

/**
 * Pushes metrics and traces by OTLP. It is imported only if that is asked for: the libraries take time and memory.
 *
 * It owns all that it makes: nothing is registered with the library, so that a processor's module may use another copy
 * or another set-up of it.
 */
export class Otlp {
  readonly #options: OtlpOptions;
  readonly #resource: Resource;
  readonly #ending = new AbortController();
  readonly #senders: Sender[] = [];
  readonly #pushes: (SpanQueue | MetricsPush)[] = [];

  constructor(destinations: readonly Destination[], options: OtlpOptions) {
    this.#options = options;
    this.#resource = resourceOf(options.settings);
    for (const to of destinations) {
      if (to.signal === "traces") this.#pushTraces(to);
      else this.#pushMetrics(to);
    }
  }

  /** Pushes what is left, within `limitMs`, and closes the connections. Never throws. */
  async end(limitMs: number): Promise<void> {
    const { clock } = SYSTEM;
    const { signal } = this.#ending;
    const cancel = clock.after(limitMs, () => this.#ending.abort(new Error(NO_TIME)));
    await doneBy(Promise.allSettled(this.#pushes.map((push) => push.flush(signal))), {
      clock,
      limitMs: limitMs + CLOSE_LIMIT_MS,
    });
    cancel();
    this.#ending.abort();
    await Promise.allSettled(this.#senders.map((sender) => sender.close()));
  }

  #pushTraces(to: Destination): void {
    const { details, settings } = this.#options;
    const queue = new SpanQueue({
      ...this.#wayTo(to),
      serializer: to.protocol === "http/json" ? JsonTraceSerializer : ProtobufTraceSerializer,
      maxSpans: settings.otelMaxSpans,
      delayMs: settings.otelSpanDelayMs,
    });
    this.#pushes.push(queue);
    const provider = new TracerProvider({
      resource: this.#resource,
      sampler: new LinkSampler(settings),
      spanProcessors: [queue],
    });
    new Spans({
      clock: SYSTEM.clock,
      details,
      queue,
      tracer: provider.getTracer(SCOPE.name, SCOPE.version),
      source: `${settings.mongodbDatabase}.${settings.mongodbCollection}`,
      traceField: settings.traceField,
    });
  }

  #pushMetrics(to: Destination): void {
    const { numbers, settings } = this.#options;
    this.#pushes.push(
      new MetricsPush({
        ...this.#wayTo(to),
        numbers,
        resource: this.#resource,
        scope: SCOPE,
        serializer: to.protocol === "http/json" ? JsonMetricsSerializer : ProtobufMetricsSerializer,
        intervalMs: settings.otelMetricIntervalMs,
      }),
    );
  }

  #wayTo(to: Destination): TimeAndChance & { sender: Sender; trouble: Trouble; ending: AbortSignal } {
    const { log } = this.#options;
    const sender = new Sender(to, log, SYSTEM.clock);
    this.#senders.push(sender);
    return { ...SYSTEM, sender, trouble: new Trouble(to, log, SYSTEM.clock), ending: this.#ending.signal };
  }
}

/** What {@linkcode Otlp} needs. */
export interface OtlpOptions {
  settings: Settings;
  log: Logger;
  details: Details;
  numbers: Numbers;
}

/** Who has measured what is pushed. */
const SCOPE = { name: "pulling-agent", version: versionInfo().version };
