import { randomUUID } from "node:crypto";
import type { Clock } from "../../agent/lib/clock.ts";
import { atDeadline } from "../../agent/lib/deadline.ts";
import { Endpoint } from "../../agent/processors/http/endpoint.ts";
import { Service } from "../../agent/processors/http/service.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";

/** An answer has to come within this time, in milliseconds. */
const ANSWER_MS = 10_000;

/** What a request needs besides its body. */
export interface Posting {
  clock: Clock;
  /** Takes that a file has changed and cannot be used. */
  log: Pick<Logger, "warn">;
  /** Gives the request up. */
  signal: AbortSignal;
}

/** The address of `ON_DEAD_LETTER`. */
export class Webhook {
  readonly #service: Service;
  readonly #encoder = new TextEncoder();

  private constructor(service: Service) {
    this.#service = service;
  }

  /**
   * Reads the address and the files that requests need, and connects to nothing. The headers of `HTTP_HEADERS_FILE` are
   * credentials for the service of `PROCESSOR`: they are not sent.
   *
   * @throws {UsageError} If the address or a file cannot be used.
   */
  static async open(
    address: string,
    { httpCaFile, httpSigningSecretFile }: Partial<Settings>,
  ): Promise<Webhook> {
    const endpoint = Endpoint.parse(address, { variable: "ON_DEAD_LETTER", isSecret: true });
    return new Webhook(await Service.open(endpoint, { httpCaFile, httpSigningSecretFile }));
  }

  /**
   * Posts a body as JSON.
   *
   * @throws {Error} If no answer with a status of 2xx comes in time, or `signal` is aborted; without the address.
   */
  async post(body: unknown, { clock, log, signal }: Posting): Promise<void> {
    const given = new AbortController();
    const late = `no answer came within ${ANSWER_MS / 1000} s`;
    const cancel = atDeadline({ clock, limitMs: ANSWER_MS, signal }, () => given.abort(new Error(late)));
    try {
      await this.#service.deliver(
        this.#encoder.encode(JSON.stringify(body)),
        { "content-type": "application/json", "idempotency-key": randomUUID() },
        { signal: given.signal, log },
      );
    } finally {
      cancel();
    }
  }

  /** Closes its connections. */
  async close(): Promise<void> {
    await this.#service.close();
  }
}
