import { authorityCertificates, pemBlocks } from "../../lib/pem.ts";
import type { FileKind } from "./watched_file.ts";

/** Connections that wait for their next request, at most: more than handlers that run at once need in practice. */
const MAX_IDLE = 1024;

/** How the runtime reports that a connection has ended before the first byte of an answer. */
const ENDED = /client error \(SendRequest\):.*(connection (closed|reset)|broken pipe|connection error)/is;

/**
 * Clients that trust the same authorities. Connections stay open between requests, and a service may close one at the
 * instant at which the next request is sent over it. This says nothing of the document: its request has the same
 * `Idempotency-Key` each time, so it is sent once more over a new connection.
 */
export class Clients {
  readonly #kept: Deno.HttpClient;
  readonly #caCerts: string[];
  #fresh: Deno.HttpClient | undefined;
  /** Whether a connection may be open from before. */
  #hasKept = false;

  /** @param caCerts certificates of authorities besides the usual ones, as PEM */
  constructor(caCerts: string[] = []) {
    this.#caCerts = caCerts;
    this.#kept = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: MAX_IDLE });
  }

  /** @throws What `fetch` throws. */
  async fetch(url: URL, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
    const mayBeOld = this.#hasKept;
    try {
      const response = await fetch(url, withClient(init, this.#kept));
      this.#hasKept = true;
      return response;
    } catch (error) {
      if (!mayBeOld || init.signal.aborted || !(error instanceof Error && ENDED.test(error.message))) {
        throw error;
      }
      this.#fresh ??= Deno.createHttpClient({ caCerts: this.#caCerts, poolMaxIdlePerHost: 0 });
      return await fetch(url, withClient(init, this.#fresh));
    }
  }

  /** Closes the connections; requests that are on their way keep theirs. */
  close(): void {
    this.#kept.close();
    this.#fresh?.close();
  }
}

function withClient(init: RequestInit, client: Deno.HttpClient): RequestInit {
  return { ...init, client } as RequestInit;
}

/** Clients that trust the authorities in a file as well, which the setting `variable` names. */
export function clientsTrusting(variable: string): FileKind<Clients> {
  return {
    variable,
    parse: (content) => new Clients(authorityCertificates(pemBlocks(content)).map(({ text }) => text)),
    end: (clients) => clients.close(),
  };
}
