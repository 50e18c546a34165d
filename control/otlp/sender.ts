import type { Clock } from "../../agent/lib/clock.ts";
import { beginning } from "../../agent/processors/http/answer_body.ts";
import { Clients, clientsTrusting } from "../../agent/processors/http/clients.ts";
import { fetchErrorText } from "../../agent/processors/http/fetch_error.ts";
import { learnProxies } from "../../agent/processors/http/proxies.ts";
import { retryAfterMs } from "../../agent/processors/http/retry_after.ts";
import { type FileKind, WatchedFile } from "../../agent/processors/http/watched_file.ts";
import { headers as parseHeaders, type Pair } from "../../agent/settings/otlp_parsers.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";
import type { Destination } from "./destinations.ts";

/** What became of a request. */
export type Sent =
  | { readonly kind: "taken" }
  /** It is worth to send the same again, after `retryAfterMs` if the collector asks for a wait. */
  | { readonly kind: "failed"; readonly why: string; readonly retryAfterMs?: number | undefined }
  /** It never is. */
  | { readonly kind: "refused"; readonly why: string };

/** Statuses that tell of the collector's state, and not of what it was sent. */
const PASSING = new Set([408, 429, 502, 503, 504]);

/** This much of an answer is read, in bytes; an error needs no more. */
const MAX_ANSWER_BYTES = 4096;
/** This much of it is repeated in the log, in UTF-16 units. */
const MAX_SHOWN = 300;

/** Posts telemetry to a collector. It never throws, and takes no longer than the collector's time. */
export class Sender {
  readonly #to: Destination;
  readonly #log: Logger;
  readonly #clock: Clock;
  #clients: WatchedFile<Clients> | Clients | undefined;
  #headers: WatchedFile<readonly Pair[]> | undefined;

  constructor(to: Destination, log: Logger, clock: Clock) {
    this.#to = to;
    this.#clock = clock;
    this.#log = log;
    learnProxies();
  }

  /** Sends a body. `signal` ends it early. */
  async send(body: Uint8Array, signal: AbortSignal): Promise<Sent> {
    const { protocol, shown, timeoutMs, url } = this.#to;
    const limit = new AbortController();
    const cancel = this.#clock.after(
      timeoutMs,
      () => limit.abort(new Error(`there was no answer in ${timeoutMs} ms`)),
      { isBackground: true },
    );
    try {
      const headers = new Headers({ "user-agent": "pulling-agent" });
      for (const [name, value] of await this.#headersNow()) headers.set(name, value);
      headers.set("content-type", protocol === "http/json" ? "application/json" : "application/x-protobuf");
      const clients = await this.#clientsNow();
      // A redirect would take the headers to another host.
      const response = await clients.fetch(url, {
        method: "POST",
        body: body as Uint8Array<ArrayBuffer>,
        headers,
        redirect: "manual",
        signal: AbortSignal.any([signal, limit.signal]),
      });
      return await judged(response);
    } catch (error) {
      return { kind: "failed", why: fetchErrorText(error, { href: url.href, shown }) };
    } finally {
      cancel();
    }
  }

  /** Closes its connections. */
  async close(): Promise<void> {
    if (this.#clients !== undefined) (await this.#clientsNow()).close();
  }

  /** A token in a file is replaced while the agent runs. A pipe has been read, and has nothing more. */
  async #headersNow(): Promise<readonly Pair[]> {
    const { headers, headersFile } = this.#to;
    this.#headers ??= await WatchedFile.open(headersFile, HEADERS_FILE).catch(() => undefined);
    return this.#headers === undefined ? headers : [...headers, ...await this.#headers.value(this.#log)];
  }

  /** The file is read when it is needed: it may be mounted later, or change. */
  async #clientsNow(): Promise<Clients> {
    const { caFile } = this.#to;
    this.#clients ??= await WatchedFile.open(caFile, clientsTrusting("OTEL_EXPORTER_OTLP_CERTIFICATE")) ??
      new Clients();
    return this.#clients instanceof WatchedFile ? await this.#clients.value(this.#log) : this.#clients;
  }
}

/** The headers of each request, from a file. */
const HEADERS_FILE: FileKind<readonly Pair[]> = {
  variable: "OTEL_EXPORTER_OTLP_HEADERS_FILE",
  parse: (content) => {
    const found = parseHeaders(content);
    if (found.length === 0) throw new Error("is empty: write the headers into it");
    return found;
  },
};

async function judged(response: Response): Promise<Sent> {
  // Read, so that the connection can be used again.
  const text = await beginning(response, MAX_ANSWER_BYTES);
  if (response.ok) return { kind: "taken" };
  const { headers, status } = response;
  const isText = /json|text/.test(headers.get("content-type") ?? "");
  const why = `answered ${status}${isText && text !== "" ? `: ${text.slice(0, MAX_SHOWN).trim()}` : ""}`;
  return PASSING.has(status)
    ? { kind: "failed", why, retryAfterMs: retryAfterMs(headers) }
    : { kind: "refused", why };
}
