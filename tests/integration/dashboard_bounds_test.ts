import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { ACTOR, ServedDashboard } from "../support/dashboard.ts";
import { insertPending } from "../support/documents.ts";
import { insertFailed, lettersOf } from "../support/failed_documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";

const ONE = { ...ACTOR, key: '{"$numberInt":"1"}' };

async function statusOf(db: TestDatabase, _id = 1): Promise<unknown> {
  return (await db.db.collection<{ _id: number; status: string }>("documents").findOne({ _id }))?.status;
}

Deno.test("dashboard serves the files of its page alone: no path leads out of them", async () => {
  await using db = await testDatabase("dashboard paths");
  await using served = await ServedDashboard.start({ db, base: "/agents/" });
  const targets = [
    "/",
    "/agents/../../etc/passwd",
    "/agents/%2e%2e/%2e%2e/etc/passwd",
    "/agents/..%2f..%2fetc%2fpasswd",
    "/agents/....//etc/passwd",
    "/agents//etc/passwd",
    "/agents/\\..\\etc\\passwd",
    "/agents/index.html%00.js",
    "/agents/__proto__",
    "/agents/constructor",
    "/agents/INDEX.HTML",
    "/agents/page_files.ts",
    "/etc/passwd",
    "file:///etc/passwd",
    "*",
  ];
  for (const target of targets) {
    const { body, status } = await served.raw(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    assertEquals([status, body], [404, ""], target);
  }
  for (const target of ["/agents/", "/agents/index.html", "http://localhost/agents/"]) {
    const { body, status } = await served.raw(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    assertEquals([status, body], [200, "<!doctype html>"], target);
  }
  const bare = await served.raw("GET /agents HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assertEquals([bare.status, bare.headers.get("location")], [308, "/agents/"]);
});

Deno.test("dashboard bounds what a request may have, and answers while others never end", async () => {
  await using db = await testDatabase("dashboard bounds");
  await insertPending(db, [1]);
  await using served = await ServedDashboard.start({ db });
  const head = (lines: string) =>
    `POST /api/cancel HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${lines}\r\n`;
  const cases: [request: string, status: number][] = [
    [head(`A: ${"a".repeat(9000)}\r\n`), 431],
    [head("Content-Length: 65537\r\n"), 413],
    [head("Content-Length: 99999999999999999999\r\n"), 411],
    [head("Content-Length: -1\r\n"), 411],
    [head(""), 411],
    [head("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", 411],
    [head("Content-Length: 2\r\nContent-Length: 3\r\n") + "{}", 400],
    [head("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") + "{}", 411],
    [head("Content-Length: 2\r\n folded: x\r\n") + "{}", 400],
    [head("Content-Length: 2\r\n") + "{}", 400],
    [head("Content-Length: 2\r\n") + "[]", 400],
    [head("Content-Length: 3\r\n") + "{x}", 400],
    [head("Content-Length: 4\r\n") + '"\xff"', 400],
    [`GET /api/document?id=${"9".repeat(9000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
  ];
  for (const [request, status] of cases) {
    assertEquals((await served.raw(request)).status, status, request.slice(0, 120));
  }
  const oddities = [
    {},
    { ...ONE, by: 7 },
    { ...ONE, by: " " },
    { ...ONE, reason: "" },
    { ...ONE, reason: "x".repeat(501) },
    { ...ONE, key: { $ne: null } },
    { ...ONE, key: "{" },
  ];
  for (const body of oddities) {
    const { status } = await served.ask("api/cancel", {}, body);
    assert([400, 404].includes(status), `${status} ${JSON.stringify(body)}`);
  }
  for (
    const body of [
      { all: false },
      { all: true, pattern: "x" },
      { keys: [] },
      { keys: [1] },
      { keys: ["{"] },
      { all: true, rate: 0 },
      { all: true, rate: 1.5 },
      { all: true, rate: "9" },
    ]
  ) {
    assertEquals(
      (await served.ask("api/letters/purge", {}, { ...ACTOR, ...body })).status,
      400,
      JSON.stringify(body),
    );
  }
  // More than there are places for, each in the middle of its request.
  const slow = await Promise.all(Array.from({ length: 80 }, async (_, at) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: served.port });
    await connection.write(
      new TextEncoder().encode(at % 2 ? "GET / HT" : head("Content-Length: 9\r\n") + "{"),
    );
    return connection;
  }));
  assertEquals((await served.ask("api/session")).status, 200);
  for (const connection of slow) connection.close();
  assertEquals(await statusOf(db), "pending");
});

Deno.test("dashboard gives a script in a document, an error, a name or a reason as JSON that no browser runs", async () => {
  await using db = await testDatabase("dashboard scripts");
  const script = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028\u0000\u001b[2J";
  await db.db.collection<{ _id: string }>("documents").insertOne(
    { _id: script, status: "pending", note: script } as never,
  );
  await insertFailed(db, [1]);
  await lettersOf(db).updateOne({ _id: 1 }, { $set: { error: script } });
  await using served = await ServedDashboard.start({ db });
  const key = encodeURIComponent(JSON.stringify(script));
  await served.json("api/pause", { by: script, reason: script });
  for (
    const path of [
      `document?key=${key}&document=1`,
      "document?id=%3Cscript%3E",
      "letters",
      "groups",
      "actions",
      "overview",
      "session",
      "nothing/%3Cscript%3E",
    ]
  ) {
    const { body, headers } = await served.ask(`api/${path}`);
    JSON.parse(body);
    assertEquals(headers.get("content-type"), "application/json; charset=utf-8", path);
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertMatch(
      headers.get("content-security-policy")!,
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    assertFalse(/unsafe|\*/.test(headers.get("content-security-policy")!));
    assertStringIncludes(headers.get("content-security-policy")!, "frame-ancestors 'none'");
    assertEquals(headers.get("cache-control"), "no-store");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
    assertFalse(headers.has("access-control-allow-origin"));
  }
  const { documents } = await served.json<{ documents: { key: string; text: { json: string } }[] }>(
    `api/document?key=${key}&document=1`,
  );
  assertEquals(documents.map(({ key, text }) => [JSON.parse(key), JSON.parse(text.json).note]), [[
    script,
    script,
  ]]);
  const page = await served.ask("");
  assertEquals(page.headers.get("x-frame-options"), "DENY");
  assertStringIncludes(page.headers.get("content-security-policy")!, "default-src 'none'");
});
