import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { ACTOR, ServedDashboard } from "../support/dashboard.ts";
import type { LettersAnswer } from "../../control/dashboard/api.ts";
import { insertPending } from "../support/documents.ts";
import { DEAD_AT, insertFailed, lettersOf, source } from "../support/failed_documents.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";

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
    [head(`A: ${"a".repeat(70_000)}\r\n`), 431],
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
    [`GET /api/document?id=${"9".repeat(70_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
  ];
  for (const [request, status] of cases) {
    const answer = await served.raw(request);
    assertEquals(answer.status, status, request.slice(0, 120));
    const { error } = JSON.parse(answer.body);
    assertEquals([error.kind, error.text.length > 10], ["request", true], request.slice(0, 120));
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

Deno.test("dashboard takes long ids and the many cookies of other programs of this machine, and lists the largest ids shortened", async () => {
  await using db = await testDatabase("dashboard ids");
  const ids = ["\u65e5".repeat(900), ...[1, 2, 3].map((each) => `${each}${"x".repeat(2 ** 20)}`)];
  await db.db.collection<AnyDocument>("documents").insertMany(
    ids.map((_id) => ({ _id, status: "failed", _pull: { dead_at: DEAD_AT } })),
  );
  await lettersOf(db).insertMany(
    ids.map((_id) => ({ _id, error: "no", source: source(db), dead_at: DEAD_AT })),
  );
  await using served = await ServedDashboard.start({ db });
  const { body } = await served.ask("api/letters");
  const { letters }: LettersAnswer = JSON.parse(body);
  assertEquals([letters.length, body.length < 10_000], [4, true]);
  assertEquals(letters.map(({ key }) => key !== null), [false, false, false, true]);
  const key = encodeURIComponent(letters[3]!.key!);
  const headers = { Cookie: `other=${"c".repeat(20_000)}` };
  for (const path of [`document?key=${key}`, `letters?after=${key}`, "groups", "overview"]) {
    const answer = await served.ask(`api/${path}`, headers);
    assertEquals([answer.status, answer.body.length < 20_000], [200, true], path.slice(0, 20));
  }
});

Deno.test("dashboard answers in time if MongoDB does not, and says that it may still be done", async () => {
  await using db = await testDatabase("dashboard late");
  await insertPending(db, [1]);
  const clock = new ManualClock();
  await using served = await ServedDashboard.start({ db, clock });
  await served.json("api/document?id=1");
  const admin = db.client.db("admin");
  const namespace = `${db.name}.documents`;
  const blocked = { failCommands: ["find"], namespace, blockConnection: true, blockTimeMS: 1500 };
  const { count } = await admin.command({
    configureFailPoint: "failCommand",
    mode: { times: 1 },
    data: blocked,
  });
  const asked = served.ask("api/cancel", {}, ONE);
  await admin.command({
    waitForFailPoint: "failCommand",
    timesEntered: count + 1,
    maxTimeMS: 30_000,
  });
  await clock.advance(10_000);
  const { body, status } = await asked;
  const { error } = JSON.parse(body);
  assertEquals([status, error.kind], [504, "database"]);
  assertStringIncludes(error.text, "may still be done");
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
