import { Acceptor } from "./acceptor.ts";

/** Shows a certificate of its own in front of a server that has no TLS; `await using` ends it and its connections. */
export class TlsFront implements AsyncDisposable {
  readonly #acceptor: Acceptor<Deno.TlsConn>;

  /** @param pem the certificate, those above it, and the key */
  constructor(target: { hostname: string; port: number }, pem: string) {
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: pem, key: pem });
    this.#acceptor = new Acceptor(listener, async (client, dial) => {
      await client.handshake();
      const server = await dial(target);
      await Promise.race([
        client.readable.pipeTo(server.writable, { preventClose: true }),
        server.readable.pipeTo(client.writable, { preventClose: true }),
      ]);
    });
  }

  get port(): number {
    return this.#acceptor.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#acceptor[Symbol.asyncDispose]();
  }
}
