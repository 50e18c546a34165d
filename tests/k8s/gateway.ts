/**
 * A way to MongoDB that can be closed, for pods that must lose it.
 *
 * @module
 */

/** Forwards connections at an address of this machine; `await using` ends all of them. */
export class Gateway implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: { hostname: string; port: number };
  readonly #connections = new Set<Deno.Conn>();
  readonly #accepting: Promise<void>;
  #isOpen = true;

  private constructor(listener: Deno.TcpListener, target: { hostname: string; port: number }) {
    this.#listener = listener;
    this.#target = target;
    this.#accepting = this.#accept();
  }

  /** Opens one before a server; undefined if the server's address is not on this machine, or names several servers. */
  static open(mongodbUri: string): Gateway | undefined {
    const [, hostname, port = "27017"] = /^mongodb:\/\/(?:[^@/]*@)?([^:,/?]+)(?::(\d+))?(?:[/?]|$)/.exec(
      mongodbUri,
    ) ?? [];
    if (hostname === undefined) return undefined;
    try {
      return new Gateway(Deno.listen({ hostname, port: 0 }), { hostname, port: Number(port) });
    } catch {
      return undefined;
    }
  }

  /** The address to connect to instead: the driver must not look for the server's own. */
  get uri(): string {
    const { hostname, port } = this.#listener.addr as Deno.NetAddr;
    return `mongodb://${hostname}:${port}/?directConnection=true`;
  }

  /** Cuts every connection and refuses new ones. */
  close(): void {
    this.#isOpen = false;
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
  }

  /** Lets connections through again. */
  reopen(): void {
    this.#isOpen = true;
  }

  async #accept(): Promise<void> {
    for await (const incoming of this.#listener) {
      const outgoing = this.#isOpen ? await Deno.connect(this.#target).catch(() => undefined) : undefined;
      if (!outgoing) {
        incoming.close();
        continue;
      }
      for (const connection of [incoming, outgoing]) this.#connections.add(connection);
      // Each way ends when the other does; what has been cut need not be reported.
      incoming.readable.pipeTo(outgoing.writable).catch(() => {});
      outgoing.readable.pipeTo(incoming.writable).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.close();
    await this.#accepting.catch(() => {});
  }
}
