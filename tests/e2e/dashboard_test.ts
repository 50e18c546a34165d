import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { OverviewAnswer, SessionAnswer } from "../../control/dashboard/api.ts";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending } from "../support/documents.ts";
import { freePort } from "../support/metrics.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** A dashboard of the executable, from its start until it has printed its address. */
async function startDashboard(home: AgentHome, ...options: string[]) {
  const ended = home.runWith({
    args: ["dashboard", ...options],
    wrapper: ["sh", "-c", 'echo $$ >"$0.pid"; exec "$@" >"$0.out"', `${home.dir}/dashboard`],
  });
  const line = await Promise.race([
    waitFor("the address", () => Deno.readTextFile(`${home.dir}/dashboard.out`)),
    ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  const [, url] = / is at (http:\S+) /.exec(line)!;
  const pid = Number(await Deno.readTextFile(`${home.dir}/dashboard.pid`));
  return { url: url!, line, ended, signal: (signal: Deno.Signal) => Deno.kill(pid, signal) };
}

Deno.test("dashboard prints its address, serves its page and the fleet, acts if it may, and ends at SIGTERM with status 0", async () => {
  await using db = await testDatabase("dashboard");
  await insertPending(db, [1]);
  await using home = await agentHome({ db });
  const dashboard = await startDashboard(
    home,
    "--listen",
    "127.0.0.1:0",
    "--allow-actions",
    "--base",
    "/fleet",
  );
  assertMatch(
    dashboard.line,
    RegExp(
      `^The dashboard of ${db.name}\\.documents is at http://127\\.0\\.0\\.1:\\d+/fleet/ \\(with actions\\)\\n$`,
    ),
  );
  const page = await fetch(dashboard.url);
  assertEquals([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  assertStringIncludes((await page.text()).toLowerCase(), "<!doctype html>");
  const get = async <T>(path: string): Promise<T> =>
    await (await fetch(`${dashboard.url}api/${path}`)).json();
  const { about } = await get<SessionAnswer>("session");
  assertEquals([about?.source, about?.actions.allowed], [`${db.name}.documents`, true]);
  const { overview, trouble } = await get<OverviewAnswer>("overview");
  assertEquals([overview?.source, trouble], [`${db.name}.documents`, null]);
  const canceled = await fetch(`${dashboard.url}api/cancel`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ key: '{"$numberInt":"1"}', by: "Ada", reason: "it is a test" }),
  });
  assertEquals(await canceled.json(), { text: "1 is canceled" });
  assertEquals((await documentsOf(db).findOne({ _id: 1 }))?.status, "canceled");
  dashboard.signal("SIGTERM");
  const { code, stderr } = await dashboard.ended;
  assertEquals([code, stderr], [
    0,
    "cancel of 1 by Ada, because: it is a test\nSIGTERM: stopping after what is under way\n",
  ]);
});

Deno.test("dashboard starts without MongoDB, and says in its answers that it is out of reach", async () => {
  const uri = `mongodb://127.0.0.1:${freePort()}/?serverSelectionTimeoutMS=500`;
  await using home = await agentHome({ db: { uri, name: "shop" } });
  const dashboard = await startDashboard(home, "--listen", "[::1]:0");
  assertMatch(dashboard.url, /^http:\/\/\[::1\]:\d+\/$/);
  const seen = await waitFor("the reason", async () => {
    const answer: OverviewAnswer = await (await fetch(`${dashboard.url}api/overview`)).json();
    return answer.trouble?.includes("MongoDB has not answered") ? undefined : answer;
  });
  assertEquals(seen.overview, null);
  assert(seen.trouble);
  const { error } = await (await fetch(`${dashboard.url}api/document?id=1`)).json();
  assertEquals(error.kind, "database");
  dashboard.signal("SIGINT");
  assertEquals((await dashboard.ended).code, 0);
});

Deno.test("dashboard refuses options that cannot be used or that would do harm in one sentence", async () => {
  await using home = await agentHome({ db: { uri: "mongodb://127.0.0.1:1", name: "shop" } });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await Deno.writeTextFile(`${home.dir}/short`, "hunter2");
  const cases: [args: string[], code: number, message: RegExp, env?: Record<string, string>][] = [
    [["--listen", "0.0.0.0:0"], 2, /without a login: set DASHBOARD_TOKEN_FILE/],
    [["--listen", "[::]:0"], 2, /without a login: set DASHBOARD_TOKEN_FILE/],
    [["--listen", "7979"], 2, /^pulling-agent: --listen is "7979": must be an IP address and a port/],
    [["--listen", "example.com:80"], 2, /must be an IP address/],
    [["--listen", "127.0.0.1:99999"], 2, /must be an IP address/],
    [["--listen", "203.0.113.7:7979"], 2, /cannot be listened on/, {
      DASHBOARD_TOKEN_FILE: `${home.dir}/long`,
    }],
    [
      ["--listen", `127.0.0.1:${taken.addr.port}`],
      1,
      /Another process listens on 127\.0\.0\.1:\d+: give another port/,
    ],
    [["--base", "/a b"], 2, /--base is "\/a b": must be a path/],
    [["--base", "/../x"], 2, /--base is/],
    [
      ["--host", "Agents.example.com"],
      2,
      /--host agents\.example\.com would serve .* without a login .*: set DASHBOARD_TOKEN_FILE/,
    ],
    [["--host", "http://x"], 2, /--host is "http:\/\/x": must be a name alone/],
    [[], 2, /DASHBOARD_TOKEN_FILE names .*must hold one token of at least 16/, {
      DASHBOARD_TOKEN_FILE: `${home.dir}/short`,
    }],
  ];
  await Deno.writeTextFile(`${home.dir}/long`, "0123456789abcdef");
  for (const [options, code, message, env = {}] of cases) {
    const ended = await home.runWith({ args: ["dashboard", ...options], env });
    assertEquals([ended.code, ended.stdout], [code, ""], ended.stderr);
    assertMatch(ended.stderr, message);
    assertEquals(ended.stderr.trimEnd().split("\n").length, 1, ended.stderr);
    assert(!ended.stderr.includes("hunter2"));
  }
});
