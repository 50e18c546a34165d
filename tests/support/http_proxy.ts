/**
 * A proxy as companies have it: it forwards plain requests, and tunnels others (CONNECT).
 *
 * @module
 */

import { Acceptor, type Dial } from "./acceptor.ts";

/** A real proxy; `await using` ends it and its connections. */
export class HttpProxy implements AsyncDisposable {
  /** The head of each request that it got, in the order in which they came. */
  readonly heads: string[] = [];
  readonly #acceptor = Acceptor.plain((client, dial) => this.#serve(client, dial));
  readonly #target: number;
  readonly #refusal: ((head: string) => string) | undefined;

  /**
   * @param target the port on this machine that all requests go to: names in addresses are those of no real host
   * @param refusal what it answers instead
   */
  constructor(target: number, refusal?: (head: string) => string) {
    this.#target = target;
    this.#refusal = refusal;
  }

  /** Its address without credentials, such as `127.0.0.1:3128`. */
  get host(): string {
    return `127.0.0.1:${this.#acceptor.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#acceptor[Symbol.asyncDispose]();
  }

  async #serve(client: Deno.Conn, dial: Dial): Promise<void> {
    const { head, rest } = await readHead(client);
    this.heads.push(head);
    if (this.#refusal !== undefined) return await send(client, new TextEncoder().encode(this.#refusal(head)));
    const server = await dial({ port: this.#target, hostname: "127.0.0.1" });
    if (head.startsWith("CONNECT ")) {
      await send(client, new TextEncoder().encode("HTTP/1.1 200 Connection established\r\n\r\n"));
    } else {
      // A server gets the path alone.
      const forwarded = head.replace(/^(\w+) http:\/\/[^/ ]+/, "$1 ");
      await send(server, new TextEncoder().encode(`${forwarded}\r\n\r\n`));
    }
    await send(server, rest);
    await Promise.race([pump(client, server), pump(server, client)]);
  }
}

async function readHead(connection: Deno.Conn): Promise<{ head: string; rest: Uint8Array }> {
  let bytes: Uint8Array = new Uint8Array();
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const text = new TextDecoder("latin1").decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return { head: text.slice(0, end), rest: bytes.slice(end + 4) };
    const count = await connection.read(buffer);
    if (count === null) throw new Error("The client has closed its connection");
    bytes = new Uint8Array([...bytes, ...buffer.subarray(0, count)]);
  }
}

async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    await send(to, buffer.slice(0, count));
  }
}

async function send(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
