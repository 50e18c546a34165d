/** Shows a certificate of its own in front of a server that has no TLS; `await using` ends it and its connections. */
export class TlsFront implements AsyncDisposable {
  readonly #listener: Deno.TlsListener;
  readonly #target: { hostname: string; port: number };
  readonly #connections = new Set<Deno.Conn>();
  readonly #tasks = new Set<Promise<void>>();

  /** @param pem the certificate, those above it, and the key */
  constructor(target: { hostname: string; port: number }, pem: string) {
    this.#target = target;
    this.#listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: pem, key: pem });
    this.#follow(this.#accept());
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await Promise.all(this.#tasks);
  }

  #follow(task: Promise<void>): void {
    const quiet = task.catch(() => {}).finally(() => this.#tasks.delete(quiet));
    this.#tasks.add(quiet);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) this.#follow(this.#serve(client));
  }

  async #serve(client: Deno.TlsConn): Promise<void> {
    this.#connections.add(client);
    try {
      await client.handshake();
      const server = await Deno.connect(this.#target);
      this.#connections.add(server);
      await Promise.race([
        client.readable.pipeTo(server.writable, { preventClose: true }),
        server.readable.pipeTo(client.writable, { preventClose: true }),
      ]).finally(() => close(server));
    } finally {
      close(client);
    }
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
