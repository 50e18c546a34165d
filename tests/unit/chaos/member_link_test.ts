import { assertEquals } from "@std/assert";
import { BSON } from "bson";
import { MemberLink, type Peer } from "../../chaos/member_link.ts";
import { peerOf } from "../../chaos/peer.ts";

/** A first message as a driver or a member sends it. */
function message(hello: BSON.Document, { legacy = false } = {}): Uint8Array<ArrayBuffer> {
  const body = BSON.serialize(hello);
  const head = legacy
    ? [...new Uint8Array(4), ...new TextEncoder().encode("admin.$cmd\0"), ...new Uint8Array(8)]
    : new Uint8Array(5);
  const bytes = new Uint8Array(16 + head.length + body.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, bytes.length, true);
  view.setInt32(12, legacy ? 2004 : 2013, true);
  bytes.set(head, 16);
  bytes.set(body, 16 + head.length);
  return bytes;
}

const agentHello = (name: string) => message({ hello: 1, client: { application: { name } } });

Deno.test("peerOf() knows a member by its port, and a client by its name, from either form of the first message", () => {
  for (const legacy of [false, true]) {
    assertEquals(peerOf(message({ hello: 1, hostInfo: "vm:27018", client: {} }, { legacy })), {
      port: 27018,
    });
    const named = { isMaster: 1, client: { application: { name: "reports" } } };
    assertEquals(peerOf(message(named, { legacy })), { appName: "reports" });
    assertEquals(peerOf(message({ hello: 1 }, { legacy })), { appName: "" });
  }
});

/** A server that sends back what it gets, behind a link. */
class Echo implements AsyncDisposable {
  readonly link = new MemberLink();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #tasks: Promise<void>[] = [];

  constructor() {
    this.link.forwardTo((this.#listener.addr as Deno.NetAddr).port);
    this.#tasks.push(this.#accept());
  }

  async connect(name: string): Promise<Client> {
    const client = new Client(await Deno.connect({ hostname: "127.0.0.1", port: this.link.port }));
    await client.send(agentHello(name));
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link[Symbol.asyncDispose]();
    this.#listener.close();
    await Promise.all(this.#tasks);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#tasks.push(connection.readable.pipeTo(connection.writable).catch(() => {}));
    }
  }
}

class Client implements Disposable {
  readonly #connection: Deno.TcpConn;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
  }

  /** Resolves with how many bytes came back; 0 if the connection was cut. */
  async receive(size: number): Promise<number> {
    let count = 0;
    while (count < size) {
      const read = await this.#connection.read(new Uint8Array(size - count)).catch(() => null);
      if (read === null) break;
      count += read;
    }
    return count;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

const isNamed = (name: string) => (peer: Peer) => "appName" in peer && peer.appName === name;
const SIZE = agentHello("one").length;

Deno.test("MemberLink.silence() lets nothing pass for those that are meant, all for others, and later what was held back", async () => {
  await using echo = new Echo();
  using one = await echo.connect("one");
  using two = await echo.connect("two");
  assertEquals([await one.receive(SIZE), await two.receive(SIZE)], [SIZE, SIZE]);
  using none = echo.link.silence(isNamed("three"));
  const silence = echo.link.silence(isNamed("one"));
  let passed = false;
  await one.send(new Uint8Array(3));
  const answer = one.receive(3).then((count) => {
    passed = true;
    return count;
  });
  using late = await echo.connect("one");
  // What another connection gets meanwhile shows that there was time enough.
  for (let round = 0; round < 20; round++) {
    await two.send(new Uint8Array(10_000));
    assertEquals(await two.receive(10_000), 10_000);
  }
  assertEquals(passed, false);
  assertEquals(silence.held > 0, true);
  silence[Symbol.dispose]();
  assertEquals([await answer, await late.receive(SIZE)], [3, SIZE]);
  assertEquals(none.held, 0);
});

Deno.test("MemberLink.cut() ends the connections that are meant, and takes new ones", async () => {
  await using echo = new Echo();
  using one = await echo.connect("one");
  using two = await echo.connect("two");
  assertEquals([await one.receive(SIZE), await two.receive(SIZE)], [SIZE, SIZE]);
  assertEquals(echo.link.cut(isNamed("one")), [{ appName: "one" }]);
  assertEquals(await one.receive(1), 0);
  await two.send(new Uint8Array(2));
  assertEquals(await two.receive(2), 2);
  using again = await echo.connect("one");
  assertEquals(await again.receive(SIZE), SIZE);
});
