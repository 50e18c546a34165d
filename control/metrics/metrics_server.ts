import { CommandError, errorText, UsageError } from "../../agent/errors.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import { PROMETHEUS_TYPE } from "../../agent/metrics/prometheus_text.ts";
import { BoundedServer } from "../http/bounded_server.ts";
import type { Answer } from "../http/exchange.ts";
import type { HttpRequest } from "../http/request.ts";

/**
 * A port without a password is open to all that reach it: what it may take of the process is bounded. A scrape takes
 * milliseconds, which are taken from the documents, and one that takes ten seconds counts as failed at the scraper.
 */
const LIMITS = { connections: 16, everyMs: 50, waitMs: 50, lifeMs: 10_000 };
/** The line and the headers of a request, at most, in bytes: a scraper needs a tenth of it. */
const MAX_HEAD_BYTES = 8192;
const PATH = "/metrics";
const METHODS = ["GET", "HEAD"];

/** Serves `/metrics`, and nothing else. It speaks just enough HTTP for a scraper: one request a connection, no body. */
export class MetricsServer {
  readonly #server: BoundedServer;
  readonly #text: () => string;

  /**
   * Listens, so that a port that is not available is found at the start, and answers from now on.
   *
   * @param text makes what is served
   * @throws {UsageError} If the address cannot be listened on, which only another setting mends.
   * @throws {CommandError} If another process has the port: it may end.
   */
  constructor({ hostname, port }: { hostname: string; port: number }, clock: Clock, text: () => string) {
    this.#text = text;
    const answer = (request: HttpRequest) => this.#answer(request);
    this.#server = new BoundedServer({
      clock,
      exchange: { maxBodyBytes: 0, maxHeadBytes: MAX_HEAD_BYTES, answer },
      limits: LIMITS,
      listener: listen(hostname, port),
    });
  }

  /** Ends it. Never throws. */
  close(): void {
    this.#server.close();
  }

  #answer({ method, path }: HttpRequest): Answer {
    if (path !== PATH) return { status: 404 };
    if (!METHODS.includes(method)) return { status: 405, headers: { Allow: METHODS.join(", ") } };
    return { status: 200, headers: { "Content-Type": PROMETHEUS_TYPE }, body: this.#text() };
  }
}

function listen(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    const name = `METRICS_PORT is ${port}, which`;
    if (error instanceof Deno.errors.AddrInUse) {
      throw new CommandError(
        `${name} another process listens on: set a port that is free, or a METRICS_PORT for each agent`,
        { cause: error },
      );
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UsageError(`${name} user ${Deno.uid()} may not listen on: set a port above 1023`, {
        cause: error,
      });
    }
    throw new UsageError(
      `METRICS_HOST is "${hostname}", which cannot be listened on (${
        errorText(error)
      }): set it to an address of ` +
        "this pod, 0.0.0.0 or ::",
      { cause: error },
    );
  }
}
