import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { OverviewAnswer, SessionAnswer } from "../../control/dashboard/api.ts";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending } from "../support/documents.ts";
import { Guarded } from "../support/guarded.ts";
import { freePort } from "../support/metrics.ts";
import { mountSecret } from "../support/mounted_secret.ts";
import { testDatabase } from "../support/mongod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

/** A dashboard of the executable, from its start until it has printed its address. */
async function startDashboard(
  home: AgentHome,
  options: readonly string[],
  env: Record<string, string | undefined> = {},
) {
  const ended = home.runWith({
    args: ["dashboard", ...options],
    env,
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
  const options = ["--listen", "127.0.0.1:0", "--allow-actions", "--base", "/fleet"];
  const dashboard = await startDashboard(home, options);
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
  const overview = await waitFor(
    "the overview",
    async () => (await get<OverviewAnswer>("overview")).overview,
  );
  assertEquals(overview.source, `${db.name}.documents`);
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
  const dashboard = await startDashboard(home, ["--listen", "[::1]:0"]);
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
  const { code, stderr } = await dashboard.ended;
  assertEquals(code, 0);
  assertMatch(
    stderr,
    /^pulling-agent: MongoDB is out of reach \(.*\): the dashboard goes on, and tells it to viewers\nSIGINT: .*\n$/,
  );
});

Deno.test("dashboard follows a connection string and a token that are replaced, and logs no password", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password-one", "read");
  await using home = await agentHome({ db: { uri: "mongodb://127.0.0.1:1", name: "shop" } });
  const secret = `${home.dir}/secret`;
  const [first, second] = ["first-token-0123456789", "second-token-0123456789"] as const;
  const mount = (version: string, password: string, token: string) =>
    mountSecret(secret, version, { uri: guarded.uri(password), token });
  // It starts with a password that the server refuses, as if the secret were wrong.
  await mount("v1", "password-none", first);
  const env = {
    MONGODB_URI: undefined,
    MONGODB_URI_FILE: `${secret}/uri`,
    DASHBOARD_TOKEN_FILE: `${secret}/token`,
  };
  const dashboard = await startDashboard(home, ["--listen", "127.0.0.1:0"], env);
  const ask = async (path: string, token: string) => {
    const answer = await fetch(`${dashboard.url}api/${path}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    return { status: answer.status, body: await answer.json() };
  };
  const seen = (what: string, isWanted: (answer: OverviewAnswer) => unknown, token: string) =>
    waitFor(what, async () => {
      const { body, status } = await ask("overview", token);
      return status === 200 && isWanted(body) ? body as OverviewAnswer : undefined;
    }, { timeoutMs: 60_000 });
  await seen("the refusal", ({ trouble }) => /refuses|Authentication/.test(trouble ?? ""), first);
  await mount("v2", "password-one", first);
  await seen("the overview", ({ overview, trouble }) => overview !== null && trouble === null, first);

  // Both are replaced: the user that it was is gone, and so is the token.
  await guarded.dropUser();
  await guarded.makeUser("password-two", "read");
  await mount("v3", "password-two", second);
  await seen("the overview again", ({ overview, trouble }) => overview !== null && trouble === null, second);
  assertEquals((await ask("overview", first)).status, 401);

  dashboard.signal("SIGTERM");
  const { code, stderr } = await dashboard.ended;
  assertEquals(code, 0);
  assertMatch(stderr, /^pulling-agent: MongoDB is out of reach \(.*\): the dashboard goes on/);
  assertMatch(stderr, /^pulling-agent: MongoDB is in reach$/m);
  assertEquals(/password-(none|one|two)|token-0/.test(stderr), false, stderr);
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

Deno.test("dashboard --probe tells a dashboard that serves its page from one that is frozen, from another program and from none", async () => {
  const uri = `mongodb://127.0.0.1:${freePort()}/?serverSelectionTimeoutMS=500`;
  await using secrets = await TempDir.make();
  const env = { DASHBOARD_TOKEN_FILE: await secrets.write("token", "0123456789abcdef") };
  await using home = await agentHome({ db: { uri, name: "shop" }, env });
  // A probe of a pod has no other place to ask, and no proxy of the pod is on its way.
  const proxied = { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" };
  const probe = (...options: string[]) =>
    home.runWith({ args: ["dashboard", "--probe", ...options], env: proxied });
  const port = freePort();
  const place = ["--listen", `127.0.0.1:${port}`, "--base", "/fleet"];
  const none = await probe(...place);
  assertEquals([none.code, none.stdout, none.stderr], [
    1,
    `dashboard: no, nothing listens on 127.0.0.1:${port}: give --probe the --listen of the dashboard\n`,
    "",
  ]);
  const dashboard = await startDashboard(home, ["--listen", `0.0.0.0:${port}`, "--base", "/fleet"]);
  for (const listen of [`127.0.0.1:${port}`, `0.0.0.0:${port}`]) {
    const yes = await probe("--listen", listen, "--base", "/fleet");
    assertEquals([yes.code, yes.stdout], [
      0,
      `dashboard: yes, it answers at http://127.0.0.1:${port}/fleet/\n`,
    ]);
  }
  const elsewhere = await probe("--listen", `127.0.0.1:${port}`);
  assertEquals([elsewhere.code, elsewhere.stdout], [
    1,
    `dashboard: no, http://127.0.0.1:${port}/ answers with the status 404: give --probe the --listen and --base of the dashboard\n`,
  ]);
  dashboard.signal("SIGSTOP");
  const frozen = await probe(...place);
  assertEquals([frozen.code, frozen.stdout], [
    1,
    `dashboard: no, there was no answer at 127.0.0.1:${port} within 3 s\n`,
  ]);
  dashboard.signal("SIGCONT");
  assertEquals((await probe(...place)).code, 0);
  dashboard.signal("SIGTERM");
  await dashboard.ended;
  const wrong = await probe("--listen", "7979");
  assertEquals([wrong.code, wrong.stdout], [2, ""]);
  assertMatch(wrong.stderr, /^pulling-agent: --listen is "7979": must be an IP address and a port/);
});
