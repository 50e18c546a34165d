import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { CommandError, UsageError } from "../../../../agent/errors.ts";
import { type Clock, systemClock } from "../../../../agent/lib/clock.ts";
import { MetricsServer } from "../../../../control/metrics/metrics_server.ts";
import { ManualClock } from "../../../support/manual_clock.ts";
import { converse, freePort } from "../../../support/metrics.ts";
import { waitFor } from "../../../support/wait.ts";

const TEXT = "# TYPE a gauge\na 1\n";

/** A server on a port of its own. */
class Served implements Disposable {
  readonly port = freePort();
  readonly #server: MetricsServer;

  constructor({ clock = systemClock, text = () => TEXT }: { clock?: Clock; text?: () => string } = {}) {
    this.#server = new MetricsServer({ hostname: "127.0.0.1", port: this.port }, clock, text);
  }

  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.port });
  }

  /** The status of the answer to the head of a request. */
  async status(request: string): Promise<string> {
    const answer = await converse(this.port, request);
    return answer.split(" ")[1] ?? answer;
  }

  async scrape(): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

/** Resolves once the other end has closed a connection, in order or by a reset. */
async function untilClosed(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    while (await connection.read(buffer) !== null) { /* It is dropped. */ }
  } catch (error) {
    assert(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe);
  }
}

Deno.test("MetricsServer serves /metrics, also with a query, and its length alone for HEAD", async () => {
  using served = new Served();
  const response = await fetch(`http://127.0.0.1:${served.port}/metrics?name=x`);
  assertEquals([response.status, await response.text()], [200, TEXT]);
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const head = await converse(served.port, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  assertMatch(head, /^HTTP\/1\.1 200 OK\r\n/);
  assertStringIncludes(head, `Content-Length: ${TEXT.length}\r\n`);
  assert(head.endsWith("\r\n\r\n"), head);
});

for (
  const [request, status] of [
    ["GET / HTTP/1.1\r\n\r\n", 404],
    ["GET /metrics/ HTTP/1.1\r\n\r\n", 404],
    ["GET /Metrics HTTP/1.1\r\n\r\n", 404],
    ["GET /../metrics HTTP/1.1\r\n\r\n", 404],
    ["GET /healthz HTTP/1.1\r\n\r\n", 404],
    ["POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 404],
    ["POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405],
    ["OPTIONS /metrics HTTP/1.1\r\n\r\n", 405],
    ["GET http://agent:9464/metrics HTTP/1.1\r\n\r\n", 200],
    ["GET /metrics HTTP/1.0\r\n\r\n", 200],
    ["GET /metrics HTTP/1.1\n\n", 200],
    ["GET /metrics HTTP/2.0\r\n\r\n", 400],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    ["\x16\x03\x01\r\n\r\n", 400],
    ["\r\n\r\n", 400],
    [`GET /metrics HTTP/1.1\r\nA: ${"a".repeat(9000)}\r\n\r\n`, 431],
  ] as const
) {
  Deno.test(`MetricsServer answers ${JSON.stringify(request.slice(0, 40))} with ${status} and nothing in it`, async () => {
    using served = new Served();
    const answer = await converse(served.port, request);
    assertEquals(answer.split(" ")[1], String(status));
    if (status !== 200) assert(answer.endsWith("Content-Length: 0\r\nConnection: close\r\n\r\n"), answer);
  });
}

Deno.test("MetricsServer lets the sender of a long body read its answer", async () => {
  using served = new Served();
  const head = "POST /metrics HTTP/1.1\r\nContent-Length: 60000\r\n\r\n";
  assertEquals(await served.status(head + "b".repeat(60_000)), "405");
});

Deno.test("MetricsServer serves a scraper while more requests than it has places for never end", async () => {
  using served = new Served();
  const slow: Deno.Conn[] = [];
  for (let count = 0; count < 40; count++) {
    const connection = await served.connect();
    if (count % 2 === 0) await connection.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\n"));
    slow.push(connection);
  }
  assertEquals(await served.scrape(), TEXT);
  // The oldest have made room.
  await untilClosed(slow[0]!);
  for (const connection of slow) connection.close();
});

Deno.test("MetricsServer answers a flood of requests one after the other, with pauses: the process has other work", async () => {
  const clock = new ManualClock();
  using served = new Served({ clock });
  for (let count = 0; count < 16; count++) assertEquals(await served.scrape(), TEXT);
  await waitFor("the pause", () => clock.pending === 1);
  const [one, other] = [served.scrape(), served.scrape()];
  await clock.advance(50);
  await Promise.race([one, other]);
  await waitFor("the next pause", () => clock.pending === 1);
  await clock.advance(50);
  assertEquals(await Promise.all([one, other]), [TEXT, TEXT]);
});

Deno.test("MetricsServer ends a request that never ends, and one whose sender never reads", async () => {
  const clock = new ManualClock();
  using served = new Served({ clock, text: () => "a".repeat(50 * 2 ** 20) });
  using silent = await served.connect();
  using deaf = await served.connect();
  await deaf.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\n\r\n"));
  await waitFor("both to be accepted", () => clock.pending === 2);
  await clock.advance(10_000);
  await Promise.all([untilClosed(silent), untilClosed(deaf)]);
  await waitFor("both timers to be gone", () => clock.pending === 0);
});

Deno.test("MetricsServer closes its port and its connections at the end", async () => {
  const served = new Served();
  using connection = await served.connect();
  assertEquals(await served.scrape(), TEXT);
  served[Symbol.dispose]();
  await untilClosed(connection);
  using again = new Served();
  assertEquals(await again.scrape(), TEXT);
});

Deno.test("MetricsServer refuses a port that another process has, which may pass: status 1", () => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;
  const error = assertThrows(
    () => new MetricsServer({ hostname: "127.0.0.1", port }, systemClock, () => TEXT),
    CommandError,
    `METRICS_PORT is ${port}, which another process listens on: set a port that is free`,
  );
  assertEquals(error.status, 1);
});

Deno.test("MetricsServer refuses an address that this machine has not, which no restart mends: status 2", () => {
  const error = assertThrows(
    () => new MetricsServer({ hostname: "192.0.2.1", port: freePort() }, systemClock, () => TEXT),
    UsageError,
    'METRICS_HOST is "192.0.2.1", which cannot be listened on',
  );
  assertEquals(error.status, 2);
});
