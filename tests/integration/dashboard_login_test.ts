import { assertEquals, assertFalse, assertMatch, assertRejects } from "@std/assert";
import { UsageError } from "../../agent/errors.ts";
import { Access } from "../../control/dashboard/access.ts";
import { ACTOR, ServedDashboard } from "../support/dashboard.ts";
import { testDatabase } from "../support/mongod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

Deno.test("dashboard with a token tells nothing without it, and a wrong or forged one does not help", async () => {
  await using db = await testDatabase("dashboard token");
  await using dir = await TempDir.make();
  const tokenFile = await dir.write("token", `${TOKEN}\n`);
  await using served = await ServedDashboard.start({ db, tokenFile });
  assertEquals(await served.json("api/session"), { logged_in: false, has_token: true, about: null });
  const login = await served.ask("api/login", {}, { token: TOKEN });
  assertEquals(login.status, 200);
  const cookie = login.headers.get("set-cookie")!;
  assertMatch(
    cookie,
    /^pulling_agent_[0-9a-f]{12}=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
  );
  assertFalse(cookie.includes(TOKEN));
  const [pair] = cookie.split(";");
  const [name, value] = pair!.split("=");
  const allowed: Record<string, string>[] = [{ Cookie: `a=b; ${pair}` }, {
    Authorization: `Bearer ${TOKEN}`,
  }];
  for (const headers of allowed) assertEquals((await served.ask("api/overview", headers)).status, 200);
  // That of a proxy in front is not that of the dashboard.
  const proxied = { Cookie: pair!, Authorization: "Bearer that-of-another-program" };
  assertEquals((await served.ask("api/overview", proxied)).status, 200);
  const forged: Record<string, string>[] = [
    {},
    { Cookie: `${name}=${"0".repeat(64)}` },
    { Cookie: `${name}=${TOKEN}` },
    { Cookie: `${name}=${TOKEN}${TOKEN}` },
    { Cookie: `${name}=` },
    { Cookie: `${name}=${value}0` },
    { Cookie: `x${pair}` },
    { Authorization: `Basic ${btoa(`:${TOKEN}`)}` },
    { Authorization: "Bearer" },
  ];
  for (const headers of forged) {
    for (const path of ["overview", "nothing-there", "document?id=1", "letters", "jobs"]) {
      const answer = await served.ask(`api/${path}`, headers);
      assertEquals(
        [answer.status, JSON.parse(answer.body).error.kind],
        [401, "login"],
        JSON.stringify(headers),
      );
    }
    assertEquals((await served.ask("api/pause", headers, ACTOR)).status, 401);
  }
  for (const token of [TOKEN.slice(1), `${TOKEN}0`, TOKEN.toUpperCase(), "\0"]) {
    const answer = await served.ask("api/login", {}, { token });
    assertEquals([answer.status, answer.headers.has("set-cookie")], [401, false], token);
  }
  // Who has the new token is in, and no one with the old one.
  await dir.write("token", "another-token-of-the-operator");
  for (const headers of allowed) {
    await waitFor("the old token to be refused", async () => {
      return (await served.ask("api/overview", headers)).status === 401;
    });
  }
});

Deno.test("dashboard ends a login on its side, also for a copy of the cookie, at its logout and after twelve hours", async () => {
  await using db = await testDatabase("dashboard logout");
  await using dir = await TempDir.make();
  let now = new Date();
  await using served = await ServedDashboard.start({
    db,
    tokenFile: await dir.write("token", TOKEN),
    now: () => now,
  });
  const login = async () => {
    const { headers } = await served.ask("api/login", {}, { token: TOKEN });
    return { Cookie: headers.get("set-cookie")!.split(";")[0]! };
  };
  const statusFor = async (headers: Record<string, string>) =>
    (await served.ask("api/overview", headers)).status;
  const [stolen, other] = [await login(), await login()];
  assertEquals([await statusFor(stolen), await statusFor(other)], [200, 200]);
  const { headers, status } = await served.ask("api/logout", stolen, {});
  assertEquals([status, /Max-Age=0/.test(headers.get("set-cookie")!)], [200, true]);
  assertEquals([await statusFor(stolen), await statusFor(other)], [401, 200]);
  now = new Date(now.getTime() + 12 * 3_600_000);
  assertEquals(await statusFor(other), 401);
});

Deno.test("dashboard answers a wrong token late, few of them at a time, and lets the right one in meanwhile", async () => {
  await using db = await testDatabase("dashboard guesses");
  await using dir = await TempDir.make();
  await using served = await ServedDashboard.start({ db, tokenFile: await dir.write("token", TOKEN) });
  const guesses = Array.from(
    { length: 40 },
    (_, at) => served.ask("api/login", {}, { token: `guess ${at}` }),
  );
  const right = await served.ask("api/overview", { Authorization: `Bearer ${TOKEN}` });
  assertEquals(right.status, 200);
  const statuses = (await Promise.all(guesses)).map(({ status }) => status);
  assertEquals(statuses.filter((status) => status === 401).length, 8);
  assertEquals(statuses.filter((status) => status === 429).length, 32);
});

Deno.test("Access refuses a token file that is missing, empty, short or of several words", async () => {
  await using dir = await TempDir.make();
  const cases = [["missing", undefined], ["empty", ""], ["short", "0123456789abcde"], [
    "words",
    "correct horse battery staple",
  ]] as const;
  for (const [name, content] of cases) {
    if (content !== undefined) await dir.write(name, content);
    const { message } = await assertRejects(() => Access.open(`${dir.path}/${name}`, "/"), UsageError);
    assertMatch(message, /^DASHBOARD_TOKEN_FILE names /);
    if (content) assertFalse(message.includes(content), message);
  }
});
