/**
 * Services that documents are posted to: a real HTTP server, and one that answers with the bytes that a test wants.
 *
 * @module
 */

/** A request as the service saw it. */
export interface SeenRequest {
  headers: Headers;
  body: string;
  /** The port of the connection's other end: one for each connection. */
  clientPort: number;
}

/** How a service answers. */
export type Answer = (request: SeenRequest, signal: AbortSignal) => Response | Promise<Response>;

/** A real HTTP server; `await using` ends it. */
export class HttpService implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: Answer, options: { cert?: string; key?: string } = {}) {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {}, ...options } as Deno.ServeTcpOptions,
      async (request, info) => {
        const seen = {
          headers: request.headers,
          body: await request.text(),
          clientPort: (info.remoteAddr as Deno.NetAddr).port,
        };
        this.requests.push(seen);
        return await answer(seen, request.signal);
      },
    ) as Deno.HttpServer<Deno.NetAddr>;
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/orders`;
  }

  /** How many connections the requests came over. */
  get connections(): number {
    return new Set(this.requests.map(({ clientPort }) => clientPort)).size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** What a {@linkcode RawService} does with a connection; `request` is the beginning of the request on it. */
export type Act = (connection: Deno.Conn, request: string) => Promise<void>;

/** A server that reads the beginning of a request and does with its connection what `act` says. */
export class RawService implements Disposable {
  readonly #listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #open = new Set<Deno.Conn>();

  constructor(act: Act) {
    void this.#accept(act);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}/orders`;
  }

  /** How many connections are open. */
  get open(): number {
    return this.#open.size;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
  }

  async #accept(act: Act): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      void this.#serve(connection, act);
    }
  }

  async #serve(connection: Deno.Conn, act: Act): Promise<void> {
    try {
      const buffer = new Uint8Array(64 * 1024);
      const count = await connection.read(buffer) ?? 0;
      await act(connection, new TextDecoder().decode(buffer.subarray(0, count)));
    } catch {
      // The agent has closed the connection.
    } finally {
      this.#open.delete(connection);
      closeQuietly(connection);
    }
  }
}

/** Writes all of a text to a connection. */
export async function send(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Resolves when the other end has closed the connection. */
export async function closed(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  while (await connection.read(buffer) !== null);
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
