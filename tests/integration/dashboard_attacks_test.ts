import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { ACTOR, ServedDashboard } from "../support/dashboard.ts";
import { insertPending } from "../support/documents.ts";
import { insertFailed } from "../support/failed_documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";

const ONE = { ...ACTOR, key: '{"$numberInt":"1"}' };

async function statusOf(db: TestDatabase, _id = 1): Promise<unknown> {
  return (await db.db.collection<{ _id: number; status: string }>("documents").findOne({ _id }))?.status;
}

Deno.test("dashboard refuses a name that may be another site's (DNS rebinding), for pages, reads and writes", async () => {
  await using db = await testDatabase("dashboard host");
  await insertPending(db, [1]);
  await using served = await ServedDashboard.start({ db, hosts: ["agents.example.com"] });
  const { port } = served;
  const attacks = [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "agents.example.com.evil.example",
    "0.0.0.0",
    "192.168.1.7",
    "[fe80::1]",
    "",
    "localhost:7979:7979",
  ];
  for (const Host of attacks) {
    for (const path of ["", "api/session", "api/overview"]) {
      const { body, status } = await served.ask(path, { Host });
      assertEquals([status, JSON.parse(body).error.kind], [421, "forbidden"], `${Host} ${path}`);
    }
    assertEquals((await served.ask("api/cancel", { Host }, ONE)).status, 421, Host);
  }
  assertEquals(await statusOf(db), "pending");
  const two = `GET /api/session HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n`;
  assertEquals((await served.raw(two)).status, 400);
  for (const target of ["http://evil.example/api/session", "http://localhost@evil.example/api/session"]) {
    const { status } = await served.raw(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    assertEquals(status, 400, target);
  }
  const whole = "GET http://LOCALHOST/api/session HTTP/1.1\r\nHost: localhost\r\n\r\n";
  assertEquals((await served.raw(whole)).status, 200);
  assertEquals((await served.raw("GET /api/session HTTP/1.1\r\n\r\n")).status, 421);
  for (
    const Host of [
      "localhost",
      `LOCALHOST:${port}`,
      "127.0.0.1",
      "127.8.9.10:1",
      `[::1]:${port}`,
      "Agents.Example.com:443",
    ]
  ) {
    assertEquals((await served.ask("api/session", { Host })).status, 200, Host);
  }
});

Deno.test("dashboard on all addresses takes any address as its name, and no name that was not given", async () => {
  await using db = await testDatabase("dashboard host");
  await using served = await ServedDashboard.start({ db, isLoopback: false });
  assertEquals((await served.ask("api/session", { Host: "192.168.1.7:7979" })).status, 200);
  assertEquals((await served.ask("api/session", { Host: "[2001:db8::7]:7979" })).status, 200);
  assertEquals((await served.ask("api/session", { Host: "node7" })).status, 421);
});

Deno.test("dashboard refuses what a page of another site sends, also what a browser sends without asking first", async () => {
  await using db = await testDatabase("dashboard site");
  await insertPending(db, [1]);
  await using served = await ServedDashboard.start({ db });
  const own = `http://127.0.0.1:${served.port}`;
  const sites: Record<string, string>[] = [
    { "Sec-Fetch-Site": "cross-site" },
    // Another port of this machine is the same site, and another origin.
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "none" },
    { "Sec-Fetch-Site": "same-origin", Origin: "https://evil.example" },
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { Origin: "http://127.0.0.1:1" },
    { Origin: `${own}.evil.example` },
  ];
  for (const headers of sites) {
    const { body, status } = await served.ask("api/cancel", headers, ONE);
    assertEquals([status, JSON.parse(body).error.kind], [403, "forbidden"], JSON.stringify(headers));
  }
  // A form of another site sends these without a question before.
  for (
    const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "",
      "application/jsonp",
    ]
  ) {
    const { status } = await served.ask("api/cancel", { "Content-Type": type }, ONE);
    assertEquals(status, 415, type);
  }
  // What is changed by a GET could be an image of another page.
  assertEquals((await served.ask(`api/cancel?key=${ONE.key}&by=a&reason=b`)).status, 405);
  assertEquals((await served.ask("api/cancel", {}, ONE, "PUT")).status, 405);
  for (const site of ["cross-site", "same-site"]) {
    assertEquals((await served.ask("api/overview", { "Sec-Fetch-Site": site })).status, 403);
  }
  assertEquals(await statusOf(db), "pending");
  // A link of another page opens the dashboard, whose own page may ask.
  assertEquals((await served.ask("", { "Sec-Fetch-Site": "cross-site" })).status, 200);
  // A proxy that changes Host: the browser of a viewer tells both, and so does the refusal.
  const proxied = await served.ask(
    "api/cancel",
    { "Sec-Fetch-Site": "same-origin", Origin: "https://agents.example.com" },
    ONE,
  );
  assertEquals([proxied.status, JSON.parse(proxied.body).error.text], [
    403,
    "The page asks under another name than the one in Host: let the proxy in front pass on the Host of the browser",
  ]);
  assertEquals(await statusOf(db), "pending");
  const page = { "Sec-Fetch-Site": "same-origin", Origin: own };
  assertEquals((await served.ask("api/cancel", page, ONE)).status, 200);
  assertEquals(await statusOf(db), "canceled");
});

Deno.test("dashboard without --allow-actions changes nothing, however it is asked", async () => {
  await using db = await testDatabase("dashboard read-only");
  await insertPending(db, [1]);
  await insertFailed(db, [2]);
  await using served = await ServedDashboard.start({ db, allowsActions: false });
  const session = await served.json<{ about: { actions: { allowed: boolean; why_not: string } } }>(
    "api/session",
  );
  assertEquals(session.about.actions.allowed, false);
  assertStringIncludes(session.about.actions.why_not, "--allow-actions");
  const paths = [
    "letters/redrive",
    "letters/purge",
    "jobs/x/confirm",
    "jobs/x/stop",
    "requeue",
    "cancel",
    "pause",
    "resume",
  ];
  const before = await everything(db);
  for (const path of paths) {
    for (
      const [spelled, expected] of [
        [path, 403],
        [`${path}/`, 404],
        [path.toUpperCase(), 404],
        [`/${path}`, 404],
        [`%2e/${path}`, 404],
        [`x/../${path}`, 404],
      ] as const
    ) {
      const { body, status } = await served.ask(`api/${spelled}`, {}, { ...ONE, all: true, count: 1 });
      assertEquals(status, expected, `${spelled}: ${body}`);
    }
    const override = { "X-HTTP-Method-Override": "POST" };
    assertFalse((await served.ask(`api/${path}`, override)).status === 200, path);
  }
  assertEquals(await everything(db), before);
});

/** All documents of all collections of a database. */
async function everything({ db }: TestDatabase): Promise<unknown> {
  const names = (await db.listCollections().toArray()).map(({ name }) => name).toSorted();
  return await Promise.all(names.map(async (name) => [name, await db.collection(name).find().toArray()]));
}
