import { metricsOf, type SeenMetric, type SeenSpan, spansOf } from "./otlp_messages.ts";
import { waitFor } from "./wait.ts";

/** Decides what a collector answers; without it everything is taken. */
export type CollectorAnswer = (request: SeenPush) => Response | Promise<Response>;

/** A request as the collector saw it. */
export interface SeenPush {
  path: string;
  headers: Headers;
}

/** A collector of telemetry: a real HTTP server that decodes what is pushed by OTLP. `await using` ends it. */
export class OtlpReceiver implements AsyncDisposable {
  readonly requests: SeenPush[] = [];
  readonly spans: SeenSpan[] = [];
  /** The metrics of the last request that brought some. */
  metrics: SeenMetric[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(options: { answer?: CollectorAnswer; cert?: string; key?: string; port?: number } = {}) {
    const { answer = () => new Response(), ...server } = options;
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {}, ...server } as Deno.ServeTcpOptions,
      async (request) => {
        const seen = { path: new URL(request.url).pathname, headers: request.headers };
        const body = new Uint8Array(await request.arrayBuffer());
        this.requests.push(seen);
        const response = await answer(seen);
        if (response.ok) this.#take(seen, body);
        return response;
      },
    ) as Deno.HttpServer<Deno.NetAddr>;
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The value of a series; undefined if it has not arrived. */
  valueOf(name: string, attributes: Record<string, string> = {}): number | undefined {
    const points = this.metrics.find((metric) => metric.name === name)?.points ?? [];
    return points.find((point) =>
      Object.entries(attributes).every(([key, value]) => point.attributes[key] === value)
    )?.value;
  }

  /** The spans whose name begins so. */
  named(name: string): SeenSpan[] {
    return this.spans.filter((span) => span.name.startsWith(name));
  }

  /** Resolves once so many requests have come. */
  async untilAsked(requests: number): Promise<void> {
    await waitFor(`${requests} requests`, () => this.requests.length >= requests);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #take({ headers, path }: SeenPush, body: Uint8Array): void {
    const type = headers.get("content-type") ?? "";
    if (path.endsWith("/v1/traces")) this.spans.push(...spansOf(body, type));
    else if (path.endsWith("/v1/metrics")) this.metrics = metricsOf(body, type);
    else throw new Error(`no path of OTLP: ${path}`);
  }
}
