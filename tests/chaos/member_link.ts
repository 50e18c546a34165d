/**
 * A proxy before one member of a replica set. All that the member hears comes through it, from agents and from the other
 * members, so that it can be cut off from some of them and not from others.
 *
 * @module
 */

import { peerOf } from "./peer.ts";
import { MessageStart } from "./message_start.ts";

/** Who has opened a connection: an agent or another client by its `appName`, or a member by its port. */
export type Peer = { readonly appName: string } | { readonly port: number };

/** Which connections are meant. */
export type Meant = (peer: Peer) => boolean;

/** Forwards connections to a member; `await using` ends all of them. */
export class MemberLink implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Link>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #silences = new Set<Silence>();
  #target = 0;

  /** The port by which all others know the member. */
  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Forwards to the member at this port of the machine from now on. */
  forwardTo(port: number): void {
    this.#target = port;
    this.#follow(this.#accept());
  }

  /**
   * Lets nothing pass on these connections, in either direction, and nothing on new ones: they stay open, as in a
   * partition. What was sent arrives when the silence ends.
   */
  silence(isMeant: Meant): Silence {
    const silence = new Silence(isMeant, () => this.#silences.delete(silence));
    this.#silences.add(silence);
    return silence;
  }

  /** Cuts these connections, at any byte; new ones are welcome. Returns the peers that lost one. */
  cut(isMeant: Meant): Peer[] {
    const cut: Peer[] = [];
    for (const link of [...this.#open]) {
      if (link.peer === undefined || !isMeant(link.peer)) continue;
      cut.push(link.peer);
      link.close();
    }
    return cut;
  }

  /** All connections that such peers have open now, each of which can be cut. */
  linksOf(isMeant: Meant): Link[] {
    return [...this.#open].filter(({ peer }) => peer !== undefined && isMeant(peer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const link of this.#open) link.close();
    for (const silence of this.#silences) silence[Symbol.dispose]();
    await Promise.all(this.#tasks);
  }

  #follow(task: Promise<void>): void {
    const quiet = task.catch(() => {}).finally(() => this.#tasks.delete(quiet));
    this.#tasks.add(quiet);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) this.#follow(this.#serve(client));
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    using link = new Link(client);
    this.#open.add(link);
    try {
      const first = new MessageStart();
      while (!first.isComplete) {
        const bytes = await link.readClient();
        if (bytes === null) return;
        first.add(bytes);
      }
      link.peer = peerOf(first.bytes);
      await this.#untilHeard(link);
      // A member that is down refuses, which ends the connection.
      await link.connect(this.#target);
      await link.toServer(first.bytes);
      await Promise.race([
        this.#pump(link, () => link.readClient(), (bytes) => link.toServer(bytes)),
        this.#pump(link, () => link.readServer(), (bytes) => link.toClient(bytes)),
      ]);
    } finally {
      this.#open.delete(link);
    }
  }

  async #pump(
    link: Link,
    read: () => Promise<Uint8Array | null>,
    write: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    for (;;) {
      const bytes = await read();
      await this.#untilHeard(link);
      if (bytes === null) return;
      await write(bytes);
    }
  }

  async #untilHeard({ peer }: Link): Promise<void> {
    for (;;) {
      const silence = [...this.#silences].find((each) => peer !== undefined && each.isMeant(peer));
      if (silence === undefined) return;
      await silence.untilOver();
    }
  }
}

/** A time in which nothing passes on some connections; `using` ends it. */
export class Silence implements Disposable {
  readonly isMeant: Meant;
  readonly #onOver: () => void;
  readonly #over = Promise.withResolvers<void>();
  #held = 0;

  constructor(isMeant: Meant, onOver: () => void) {
    this.isMeant = isMeant;
    this.#onOver = onOver;
  }

  /** How often something was to pass, and had to wait. */
  get held(): number {
    return this.#held;
  }

  async untilOver(): Promise<void> {
    this.#held += 1;
    await this.#over.promise;
  }

  [Symbol.dispose](): void {
    this.#onOver();
    this.#over.resolve();
  }
}

/** A connection through the proxy, in its two halves. */
class Link implements Disposable {
  /** Unknown until its first message has come. */
  peer: Peer | undefined;
  readonly #client: Deno.TcpConn;
  #server: Deno.TcpConn | undefined;

  constructor(client: Deno.TcpConn) {
    this.#client = client;
  }

  async connect(port: number): Promise<void> {
    this.#server = await Deno.connect({ hostname: "127.0.0.1", port });
  }

  readClient(): Promise<Uint8Array | null> {
    return read(this.#client);
  }

  readServer(): Promise<Uint8Array | null> {
    return read(this.#server!);
  }

  toServer(bytes: Uint8Array): Promise<void> {
    return write(this.#server!, bytes);
  }

  toClient(bytes: Uint8Array): Promise<void> {
    return write(this.#client, bytes);
  }

  close(): void {
    for (const connection of [this.#client, this.#server]) {
      try {
        connection?.close();
      } catch {
        // Closed already.
      }
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

async function read(connection: Deno.TcpConn): Promise<Uint8Array | null> {
  const chunk = new Uint8Array(32 * 1024);
  const size = await connection.read(chunk);
  return size === null ? null : chunk.subarray(0, size);
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}
