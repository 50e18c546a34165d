import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { closed, RawService, send } from "../support/http_service.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";

const JSON_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const DONE = '{"set":{"done":true}}';
const OK = `${JSON_HEAD}content-length: ${DONE.length}\r\n\r\n${DONE}`;

/** Sends all that it has until the agent closes the connection. */
async function sendOn(connection: Deno.Conn, head: string, part: string, pauseMs = 0): Promise<void> {
  await send(connection, head);
  for (;;) {
    await send(connection, part);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function drip(connection: Deno.Conn, text: string, pauseMs: number): Promise<void> {
  for (const letter of text) {
    await send(connection, letter);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

const gzipBomb = async () => {
  const zeros = new Blob([new Uint8Array(64 * 1024 * 1024)]).stream();
  return new Uint8Array(await new Response(zeros.pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
};

type Act = (connection: Deno.Conn, request: string) => Promise<unknown>;

/** What a service does with a document, and what the agent makes of it: done, or the error. */
const CASES: Record<string, [act: Act, expected: "done" | "unset" | RegExp]> = {
  "says nothing": [(connection) => closed(connection), /took longer than PROCESS_TIMEOUT/],
  "ends after the headers": [
    (connection) => send(connection, `${JSON_HEAD}content-length: 9\r\n\r\n`),
    /too early/,
  ],
  "sends half a body": [
    (connection) => send(connection, `${JSON_HEAD}content-length: 99\r\n\r\n${DONE}`),
    /too early/,
  ],
  "sends more than it says": [
    async (connection) => {
      await send(
        connection,
        `${JSON_HEAD}content-length: 2\r\n\r\n{}HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n`,
      );
      await closed(connection);
    },
    "unset",
  ],
  "sends a body beside 204": [
    async (connection) => {
      await send(connection, `HTTP/1.1 204 No Content\r\n\r\n${DONE}`);
      await closed(connection);
    },
    "unset",
  ],
  "never ends its body": [
    (connection) =>
      sendOn(
        connection,
        `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n`,
        `100000\r\n${" ".repeat(0x100000)}\r\n`,
      ),
    /larger than 16 MiB/,
  ],
  "drips without end": [
    (connection) => sendOn(connection, `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n`, "1\r\n \r\n", 10),
    /took longer than PROCESS_TIMEOUT/,
  ],
  "drips headers without end": [
    (connection) => sendOn(connection, "HTTP/1.1 200 OK\r\n", "x: y\r\n", 10),
    /took longer than PROCESS_TIMEOUT/,
  ],
  "drips below the timeout": [(connection) => drip(connection, OK, 2), "done"],
  "continues first": [
    (connection) =>
      send(connection, `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}`),
    "done",
  ],
  "continues without end": [
    (connection) => sendOn(connection, "", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100), 1),
    /took longer than PROCESS_TIMEOUT|cannot be reached/,
  ],
  "speaks HTTP/1.0": [
    (connection) => send(connection, `HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n${DONE}`),
    "done",
  ],
  "speaks no HTTP": [(connection) => send(connection, "220 mail ESMTP\r\n"), /invalid HTTP/],
  "speaks TLS": [(connection) => send(connection, "\x15\x03\x03\x00\x02\x02\x46"), /invalid HTTP/],
  "redirects to itself": [
    (connection) => send(connection, "HTTP/1.1 307 Go\r\nlocation: /orders\r\ncontent-length: 0\r\n\r\n"),
    /answered 307 and leads to http:/,
  ],
  "redirects to another scheme": [
    (connection) =>
      send(connection, "HTTP/1.1 302 Go\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n"),
    /302 and leads to what is no address/,
  ],
  "has not changed": [(connection) => send(connection, "HTTP/1.1 304 Same\r\n\r\n"), /answered 304$/],
  "has a huge header": [
    (connection) => send(connection, `HTTP/1.1 200 OK\r\nx: ${"y".repeat(2_000_000)}\r\n\r\n`),
    /cannot be reached/,
  ],
  "has a thousand headers": [
    (connection) => send(connection, `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(1000)}\r\n`),
    /cannot be reached/,
  ],
  "has a status of its own": [
    (connection) => send(connection, "HTTP/1.1 799 Odd\r\ncontent-length: 0\r\n\r\n"),
    /answered 799|cannot be reached/,
  ],
  "switches protocols": [
    (connection) =>
      send(connection, "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    /answered 101|cannot be reached/,
  ],
  "packs zeros": [
    async (connection) => {
      const bytes = await gzipBomb();
      await send(connection, `${JSON_HEAD}content-encoding: gzip\r\ncontent-length: ${bytes.length}\r\n\r\n`);
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    },
    /larger than 16 MiB/,
  ],
  "has two lengths": [
    (connection) =>
      send(
        connection,
        `${JSON_HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n15\r\n${DONE}\r\n0\r\n\r\n`,
      ),
    "done",
  ],
  "has letters in its headers": [
    (connection) =>
      send(connection, `${JSON_HEAD}x-name: gr\u00fcn\r\ncontent-length: ${DONE.length}\r\n\r\n${DONE}`),
    "done",
  ],
};

Deno.test("httpProcessor() makes of each thing that a service does wrong the failure of that document alone", async () => {
  await using db = await testDatabase("bad services");
  const names = Object.keys(CASES);
  const documents = documentsOf(db);
  // Between them documents that go well, over connections that may have been used by the others.
  await documents.insertMany(
    names.flatMap((
      _id,
    ) => [{ _id, status: "pending" }, { _id: `well after ${_id}`, status: "pending" }]) as never[],
  );
  using service = new RawService(async (connection, request) => {
    const { _id } = JSON.parse(request.slice(request.indexOf("\r\n\r\n")));
    const [act] = CASES[_id] ?? [(connection: Deno.Conn) => send(connection, OK)];
    await act(connection, request);
  });
  await using home = await agentHome({
    db,
    env: { PROCESSOR: service.url, MAX_ATTEMPTS: "1", PROCESS_TIMEOUT: "6s", CONCURRENCY: "16" },
  });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 0);
  const found = await documents.find().toArray() as AnyDocument[];
  assertEquals(found.length, 2 * names.length);
  for (const { _id, status, done, error, ...rest } of found) {
    const [, expected] = CASES[_id] ?? [undefined, "done"];
    const told = `${_id}: ${status} ${done} ${error}`;
    if (expected instanceof RegExp) {
      assertEquals(status, "failed", told);
      assertMatch(error, expected, told);
    } else assertEquals([status, done], ["processed", expected === "done" ? true : undefined], told);
    assertEquals(rest._pull?.attempts, 1);
  }
});
