import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Output: an agent whose output is no longer read goes on, and drains when told to", async () => {
  await using db = await testDatabase("closed output");
  const documents = await insertPending(db, upTo(50));
  await using home = await agentHome({ db, env: { LOG_LEVEL: "DEBUG" } });
  const script = '{ "$@"; echo "$?" >"$0"; } 2>&1 | head -n 1';
  const pipe = await home.start({ wrapper: ["sh", "-c", script, `${home.dir}/code`] });
  await pipe.log("Starting");
  const status = await pipe.untilStatus("fifty processed", ({ counters }) => counters.processed === 50);
  await documents.insertOne({ _id: 51, status: "pending" });
  await waitFor("one more", async () => await documents.countDocuments({ status: "processed" }) === 51);
  assertEquals(pipe.entries.length, 1, "head has ended");
  Deno.kill(status.pid, "SIGTERM");
  assertEquals((await waitFor("it to end", () => Deno.readTextFile(`${home.dir}/code`))).trim(), "0");
});

Deno.test("Output: an agent whose output is never read goes on although the pipe is full, and drains when told to", async () => {
  await using db = await testDatabase("unread output");
  const documents = await insertPending(db, upTo(50));
  // Four times as much as a pipe holds.
  const module = 'export default ({ _id }, { log }) => log.info(`${_id} ${"x".repeat(5 * 1024)}`);';
  await using home = await agentHome({ db, module });
  const script = '{ "$@"; echo "$?" >"$0"; } | { read -r line; echo "$line"; sleep 3600; }';
  const pipe = await home.start({ wrapper: ["sh", "-c", script, `${home.dir}/code`] });
  await pipe.log("Starting");
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === 50,
  );
  Deno.kill((await pipe.status()).pid, "SIGTERM");
  assertEquals((await waitFor("it to end", () => Deno.readTextFile(`${home.dir}/code`))).trim(), "0");
});

Deno.test("Output: every line of the log is one object of JSON with a time, a level and a message", async () => {
  await using db = await testDatabase("log lines");
  await insertPending(db, upTo(3));
  await using home = await agentHome({ db, env: { LOG_LEVEL: "DEBUG" } });
  const agent = await home.startReady();
  await agent.log("Claimed");
  agent.signal("SIGTERM");
  await agent.exit();
  for (const { time, level, message } of agent.entries) {
    assertMatch(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, message);
    assertMatch(level, /^(DEBUG|INFO|WARNING|ERROR)$/, message);
  }
  const { version, driver, deno, source } = await agent.log("Starting");
  assertEquals([typeof version, typeof driver, typeof deno], ["string", "string", "string"]);
  assertEquals(source, `${db.name}.documents`);
});

Deno.test("Output: LOG_FORMAT=text writes lines for people, LOG_LEVEL leaves out what is less severe", async () => {
  await using db = await testDatabase("text log");
  await using home = await agentHome({ db, env: { LOG_FORMAT: "text" } });
  const agent = await home.startReady();
  await agent.log("Agent is running");
  assertMatch(agent.entries[0]!.message, /^[\d:.]{12} INFO +Starting pulling-agent version=/);

  await using quiet = await agentHome({ db, env: { LOG_LEVEL: "ERROR" } });
  const silent = await quiet.startReady();
  silent.signal("SIGTERM");
  assertEquals((await silent.exit()).code, 0);
  assertEquals(silent.output.trim(), "");
});

Deno.test("health answers by its exit status although standard output cannot be written", async () => {
  await using home = await agentHome({});
  await Deno.mkdir(home.healthDir, { recursive: true });
  await Deno.writeTextFile(`${home.healthDir}/liveness`, JSON.stringify({ at: new Date() }));
  const wrapper = ["sh", "-c", '"$@" >/dev/full', "sh"];
  for (const [name, code] of [["liveness", 0], ["readiness", 1]] as const) {
    const result = await home.runWith({ args: ["health", name], wrapper });
    assertEquals(result.code, code, name);
    assertMatch(result.stderr, /^pulling-agent: Not all was printed \(No space .*\): the exit status .*\n$/);
  }
});
