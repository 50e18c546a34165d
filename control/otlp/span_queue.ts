import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { ISerializer } from "@opentelemetry/otlp-transformer";
import { errorText } from "../../agent/errors.ts";
import type { TimeAndChance } from "../../agent/lib/time_and_chance.ts";
import { Pacing } from "./pacing.ts";
import type { Sender, Sent } from "./sender.ts";
import type { Trouble } from "./trouble.ts";

/** Spans of one request, at most: they are encoded in one go, while nothing else runs. */
const MAX_REQUEST = 256;

/**
 * The spans that wait to be pushed. Their number is bounded, with those that are open: if there is no room, no span is
 * made at all, which costs next to nothing. So a busy agent pushes `OTEL_BSP_MAX_QUEUE_SIZE` spans in each
 * `OTEL_BSP_SCHEDULE_DELAY`, and a collector that is away costs no more memory than that.
 */
export class SpanQueue implements SpanProcessor {
  readonly #options: SpanQueueOptions;
  readonly #pacing: Pacing;
  readonly #ended: ReadableSpan[] = [];
  /** Spans that have begun and have not ended. */
  #open = 0;
  /** Spans for which there was no room, since that was told. */
  #leftOut = 0;
  #sending: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
    this.#pacing = new Pacing(options);
  }

  /** How many spans there is room for: `most`, or else `least`, or else none. The others count as left out. */
  room(most: number, least = most): number {
    const free = this.#options.maxSpans - this.#open - this.#ended.length;
    const room = free >= most ? most : free >= least ? least : 0;
    this.#leftOut += most - room;
    return room;
  }

  onStart(): void {
    this.#open += 1;
  }

  onEnd(span: ReadableSpan): void {
    this.#open -= 1;
    this.#ended.push(span);
    this.#cancel ??= this.#options.clock.after(this.#options.delayMs, () => this.#due(), {
      isBackground: true,
    });
  }

  /** Sends all that has ended, once, even if the collector has asked for a wait; no longer than until `signal` aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    this.#cancel?.();
    this.#options.trouble.ending();
    this.#tellLeftOut();
    await this.#sending;
    await this.#send(signal);
    this.#options.trouble.end(this.#ended.length);
    this.#ended.length = 0;
  }

  /** {@linkcode SpanQueue.flush} is called instead: no part of the library ends this queue. */
  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  #due(): void {
    this.#cancel = undefined;
    this.#tellLeftOut();
    if (this.#pacing.isOpen) this.#sending ??= this.#send(this.#options.ending).finally(() => this.#sent());
    this.#again();
  }

  #tellLeftOut(): void {
    this.#options.trouble.leftOut(this.#leftOut);
    this.#leftOut = 0;
  }

  #sent(): void {
    this.#sending = undefined;
    this.#again();
  }

  #again(): void {
    if (this.#ended.length === 0 || this.#options.ending.aborted) return;
    this.#cancel ??= this.#options.clock.after(this.#options.delayMs, () => this.#due(), {
      isBackground: true,
    });
  }

  /** Sends what has ended by now, until a request fails. */
  async #send(signal: AbortSignal): Promise<void> {
    const { trouble } = this.#options;
    let left = this.#ended.length;
    while (left > 0 && !signal.aborted) {
      const spans = this.#ended.slice(0, Math.min(MAX_REQUEST, left));
      const sent = await this.#answerTo(spans, signal);
      this.#pacing.note(sent);
      if (sent.kind === "failed") return trouble.failed(sent.why);
      this.#ended.splice(0, spans.length);
      left -= spans.length;
      if (sent.kind === "refused") trouble.failed(sent.why, spans.length);
      else trouble.arrived();
    }
  }

  async #answerTo(spans: ReadableSpan[], signal: AbortSignal): Promise<Sent> {
    const { sender, serializer } = this.#options;
    let body: Uint8Array;
    try {
      body = serializer.serializeRequest(spans)!;
    } catch (error) {
      // They would fail each time, and keep those behind them from being sent.
      return { kind: "refused", why: `cannot be encoded: ${errorText(error)}` };
    }
    return await sender.send(body, signal);
  }
}

/** What a {@linkcode SpanQueue} needs. */
export interface SpanQueueOptions extends TimeAndChance {
  sender: Sender;
  serializer: Pick<ISerializer<ReadableSpan[], unknown>, "serializeRequest">;
  trouble: Trouble;
  /** Spans that are open or wait, at most. */
  maxSpans: number;
  /** How often spans are pushed. */
  delayMs: number;
  /** Aborted when the agent ends: requests that are under way are given up then. */
  ending: AbortSignal;
}
