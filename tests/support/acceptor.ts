/** What is done with a connection; `dial` opens another one that ends together with it. */
type Serve<Client extends Deno.Conn> = (client: Client, dial: Dial) => Promise<void>;
/** Opens a connection that ends together with the one that is served. */
export type Dial = (target: { hostname: string; port: number }) => Promise<Deno.TcpConn>;

/**
 * Serves each connection that comes to a port of this machine until `serve` ends, for any reason. `await using` ends all
 * of them.
 */
export class Acceptor<Client extends Deno.Conn = Deno.TcpConn> implements AsyncDisposable {
  readonly #listener: Deno.Listener<Client>;
  readonly #connections = new Set<Deno.Conn>();
  readonly #tasks = new Set<Promise<void>>();
  #accepted = 0;

  constructor(listener: Deno.Listener<Client>, serve: Serve<Client>) {
    this.#listener = listener;
    this.#follow(this.#accept(serve));
  }

  /** One without TLS, on a free port. */
  static plain(serve: Serve<Deno.TcpConn>): Acceptor {
    return new Acceptor(Deno.listen({ hostname: "127.0.0.1", port: 0 }), serve);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** How many connections clients have opened so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Cuts all connections; new ones are welcome. */
  cut(): void {
    for (const connection of this.#connections) close(connection);
  }

  /** Cuts all connections, and takes no new ones. */
  close(): void {
    close(this.#listener);
    this.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await Promise.all(this.#tasks);
  }

  #follow(task: Promise<void>): void {
    const quiet = task.catch(() => {}).finally(() => this.#tasks.delete(quiet));
    this.#tasks.add(quiet);
  }

  async #accept(serve: Serve<Client>): Promise<void> {
    for await (const client of this.#listener) {
      this.#accepted += 1;
      this.#follow(this.#served(client, serve));
    }
  }

  async #served(client: Client, serve: Serve<Client>): Promise<void> {
    const both: Deno.Conn[] = [client];
    this.#connections.add(client);
    try {
      await serve(client, async (target) => {
        const server = await Deno.connect(target);
        both.push(server);
        this.#connections.add(server);
        return server;
      });
    } finally {
      for (const connection of both) {
        close(connection);
        this.#connections.delete(connection);
      }
    }
  }
}

/** The host and the port of an address, of which a URL has the second as text. */
export function targetOf({ hostname, port }: URL): { hostname: string; port: number } {
  return { hostname, port: Number(port) };
}

function close(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // Closed already.
  }
}
