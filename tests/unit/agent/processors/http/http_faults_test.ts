import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { contextOf, type Failure, json, opened, post } from "../../../../support/http_processor.ts";
import { closed, HttpService, RawService, send } from "../../../../support/http_service.ts";

const MISBEHAVES: [what: string, act: (connection: Deno.Conn) => Promise<void>, message: RegExp][] = [
  ["closes before it answers", () => Promise.resolve(), /cannot be reached: connection (closed|reset)/i],
  [
    "closes in the middle of its answer",
    (connection) => send(connection, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
    /ended its answer too early/,
  ],
  [
    "closes in the middle of a chunk",
    (connection) => send(connection, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf"),
    /ended its answer too early/,
  ],
  [
    "speaks no HTTP",
    (connection) => send(connection, "220 mail.example ESMTP\r\n"),
    /cannot be reached: invalid HTTP/,
  ],
  [
    "has two lengths",
    (connection) => send(connection, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x"),
    /cannot be reached: inv/,
  ],
  [
    "calls text gzip",
    (connection) =>
      send(connection, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"),
    /too early/,
  ],
];

for (const [what, act, message] of MISBEHAVES) {
  Deno.test(`httpProcessor() leaves to a retry a service that ${what}`, async () => {
    using service = new RawService(act);
    const error = await assertRejects(() => post(service.url), Error) as Failure;
    assertMatch(error.message, message);
    assertEquals(error.permanent, undefined);
  });
}

Deno.test("httpProcessor() reads no more than 16 MiB of an answer", async () => {
  using service = new RawService(async (connection) => {
    await send(
      connection,
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20000000\r\n\r\n",
    );
    await send(connection, "[" + "1,".repeat(10_000_000));
  });
  const error = await assertRejects(() => post(service.url), Error);
  assertEquals(error.message, "The answer is larger than 16 MiB");
});

for (const begun of ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"]) {
  Deno.test(`httpProcessor() ends its request on an abort, after ${begun.length} bytes of an answer`, async () => {
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    using service = new RawService(async (connection) => {
      await send(connection, begun);
      asked.resolve();
      await closed(connection).catch(() => {});
      gone.resolve();
    });
    const abort = new AbortController();
    const posted = assertRejects(() => post(service.url, {}, abort.signal), Error, "PROCESS_TIMEOUT");
    await asked.promise;
    abort.abort(new Error("PROCESS_TIMEOUT"));
    await posted;
    await gone.promise;
  });
}

Deno.test("httpProcessor() says in plain words that nothing listens, without the query of its address", async () => {
  const free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  const error = await assertRejects(
    () => post(`http://127.0.0.1:${port}/orders?key=k3y-of-the-shop`),
    Error,
  ) as Failure;
  assertMatch(
    error.message,
    /^http:\/\/127\.0\.0\.1:\d+\/orders cannot be reached: tcp connect error: Connection refused \(os error \d+\)$/,
  );
  assert(!error.message.includes("k3y"), error.message);
  assertEquals(error.permanent, undefined);
});

Deno.test("httpProcessor() keeps its connections: 16 handlers open no more than 16 for 400 documents", async () => {
  await using service = new HttpService(() => json({ set: { a: 1 } }));
  await using processor = await opened(service.url);
  const waiting = Array.from({ length: 400 }, (_, _id) => _id);
  const handlers = Array.from({ length: 16 }, async () => {
    for (let _id = waiting.pop(); _id !== undefined; _id = waiting.pop()) {
      await processor.process({ _id }, contextOf(_id));
    }
  });
  await Promise.all(handlers);
  assertEquals(service.requests.length, 400);
  assert(service.connections <= 16, `${service.connections} connections`);
});

Deno.test("httpProcessor() loses no attempt to a service that closes its connections after each answer, and says nothing of it", async () => {
  using service = new RawService((connection) =>
    send(connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
  );
  await using processor = await opened(service.url);
  for (let _id = 0; _id < 300; _id++) assertEquals(await processor.process({ _id }, contextOf(_id)), {});
});

Deno.test("httpProcessor() sends a request once over a new connection, and at most twice in all", async () => {
  let [asked, isDeaf] = [0, true];
  using service = new RawService(async (connection) => {
    asked += 1;
    if (!isDeaf) await send(connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });
  await using processor = await opened(service.url);
  const fail = () =>
    assertRejects(() => processor.process({ _id: 1 }, contextOf(1)), Error, "cannot be reached");
  await fail();
  assertEquals(asked, 1);
  isDeaf = false;
  await processor.process({ _id: 1 }, contextOf(1));
  isDeaf = true;
  asked = 0;
  await fail();
  assert(asked <= 2, `${asked} requests`);
});
