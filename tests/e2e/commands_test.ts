import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { HealthDir } from "../../health/health_dir.ts";
import type { Status } from "../../health/status.ts";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { GATED, MARKING } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("pause returns once the agent claims nothing, resume once it claims again", async () => {
  await using db = await testDatabase("commands");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({ db, module: MARKING });
  const agent = await home.startReady();
  await home.untilMarked("1");

  const paused = await home.run("pause");
  assertEquals(paused.code, 0, paused.stderr);
  assertMatch(paused.stdout, /^paused, by signal, since .*\n$/);
  assertEquals((await agent.status()).state, "paused");
  await documents.insertOne({ _id: 2, status: "pending" });
  assertEquals((await home.run("pause")).code, 0, "what is so already is confirmed at once");
  assertEquals(agent.entries.filter(({ message }) => message.startsWith("Paused")).length, 1);
  assertEquals(await documents.countDocuments({ status: "pending" }), 1);

  const resumed = await home.run("resume");
  assertEquals(resumed.code, 0, resumed.stderr);
  assertStringIncludes(resumed.stdout, "running, by signal");
  await home.untilMarked("2");
});

Deno.test("resume tells that the control file still says pause: the agent would be paused again when it starts", async () => {
  await using db = await testDatabase("commands and file");
  await using home = await agentHome({ db, module: MARKING });
  await Deno.writeTextFile(home.controlFile, "pause\n");
  const agent = await home.start();
  await agent.untilStatus("it to be paused", ({ state }) => state === "paused");
  assertMatch((await home.run("status")).stdout, /^paused by the control file since the agent started, /);

  const resumed = await home.run("resume");
  assertMatch(resumed.stdout, /^running, by signal, /, resumed.stderr);
  assertEquals(resumed.code, 0);
  assertStringIncludes(resumed.stderr, `The control file ${home.controlFile} still says pause`);

  await Deno.writeTextFile(home.controlFile, "resume\n");
  assertEquals((await home.run("resume")).stderr, "");
});

Deno.test("Commands: two pauses at once are both confirmed, and the agent pauses once", async () => {
  await using db = await testDatabase("commands at once");
  await using home = await agentHome({ db, module: MARKING });
  const agent = await home.startReady();
  const both = await Promise.all([home.run("pause"), home.run("pause")]);
  assertEquals(both.map(({ code, stderr }) => [code, stderr]), [[0, ""], [0, ""]]);
  assertEquals(agent.entries.filter(({ message }) => message.startsWith("Paused")).length, 1);
});

Deno.test("pause refuses an agent that drains, and does not disturb it", async () => {
  await using db = await testDatabase("pause draining");
  await insertPending(db, [1]);
  await using home = await agentHome({ db, module: GATED });
  const agent = await home.startReady();
  await home.untilMarked("start 1");
  agent.signal("SIGTERM");
  await agent.untilStatus("the agent to drain", ({ state }) => state === "draining");
  const { code, stderr } = await home.run("pause");
  assertEquals({ code, stderr }, {
    code: 1,
    stderr: "pulling-agent: The agent is draining: it claims nothing any more\n",
  });
  await home.write("marks.go", "");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("status says what the agent does, in words and as JSON", async () => {
  await using db = await testDatabase("status");
  await insertPending(db, upTo(5));
  await using home = await agentHome({ db, module: MARKING, env: { AGENT_NAME: "pod-7" } });
  const agent = await home.startReady();
  await agent.untilStatus("five processed", ({ counters }) => counters.processed === 5);

  const words = await home.run("status");
  assertEquals(words.code, 0, words.stderr);
  for (
    const part of [
      /^running and moving: .* documents? a (second|minute), none in flight\n\n/,
      /^agent +pod-7, pid \d+/m,
      /^state +running, since \d\d:\d\d:\d\d UTC, \d+ s ago$/m,
      /^last minute +5 processed, 0 retried, 0 became dead letters/m,
      /^MongoDB +connected$/m,
      /^processed +5 /m,
      /^updated +.*, \d\.\d s ago$/m,
    ]
  ) {
    assertMatch(words.stdout, part);
  }
  const json = await home.run("status", "--json");
  assertEquals(json.code, 0);
  const status: Status & { age_ms: number; responding: boolean; summary: string } = JSON.parse(json.stdout);
  assertEquals([status.responding, typeof status.age_ms], [true, "number"]);
  assertEquals([status.pid, status.name, status.state, status.ready], [agent.pid, "pod-7", "running", true]);
  assertMatch(status.summary, /^running and moving: /);
  assertEquals([status.counters.claimed, status.counters.processed, status.counters.conflicts], [5, 5, 0]);
});

Deno.test("Commands: probes pass while the agent lives, and fail without an agent", async () => {
  await using db = await testDatabase("probes");
  await using home = await agentHome({ db });
  const probes = ["liveness", "readiness", "startup"] as const;
  for (const probe of probes) {
    const { code, stdout } = await home.run("health", probe);
    assertEquals({ code, stdout }, {
      code: 1,
      stdout: `${probe}: no, ${home.healthDir}/${probe} does not exist\n`,
    });
  }
  const agent = await home.startReady();
  for (const probe of probes) assertEquals((await home.run("health", probe)).code, 0, probe);
  agent.signal("SIGTERM");
  await agent.exit();
  for (const probe of probes) assert(!(await home.probe(probe)), probe);
});

Deno.test("Commands: a paused agent counts as ready with READY_WHILE_PAUSED", async () => {
  await using db = await testDatabase("ready while paused");
  await using home = await agentHome({ db, env: { READY_WHILE_PAUSED: "true" } });
  const agent = await home.startReady();
  assertEquals((await home.run("pause")).code, 0);
  assert(await home.probe("readiness"));
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assert(!(await home.probe("readiness")));
});

Deno.test("without an agent the commands say so and fail", async () => {
  await using home = await agentHome();
  for (const args of [["pause"], ["resume"], ["status"], ["status", "--json"]]) {
    const { code, stdout, stderr } = await home.run(...args);
    assertEquals({ code, stdout }, { code: 1, stdout: "" }, args.join(" "));
    assertMatch(
      stderr,
      /^pulling-agent: No agent uses the health directory \S+: start one, or set HEALTH_DIR .*\n$/,
    );
  }
});

Deno.test("Commands: no command trusts the files of a dead agent, even if another process has its pid by now", async () => {
  await using db = await testDatabase("dead agent");
  await using home = await agentHome({ db });
  const agent = await home.startReady();
  const status = await agent.untilStatus("a whole status", ({ state }) => state === "running");
  await agent.kill9();
  await using bystander = new Deno.Command("sleep", { args: ["3600"] }).spawn();
  await Deno.writeTextFile(
    `${home.healthDir}/status.json`,
    JSON.stringify({ ...status, pid: bystander.pid }),
  );
  for (const command of ["pause", "resume", "status"]) {
    const { code, stderr } = await home.run(command);
    assertEquals(code, 1, command);
    assertStringIncludes(stderr, "No agent uses the health directory");
  }
  bystander.kill("SIGTERM");
  assertEquals((await bystander.status).signal, "SIGTERM", "no signal of ours had ended it before");
});

Deno.test("pause and resume signal no process that does not show that it is the agent", async () => {
  await using home = await agentHome();
  // What a container sees that shares the health directory and not the processes: a living agent with a pid that
  // means another process here.
  await using bystander = new Deno.Command("sleep", { args: ["3600"] }).spawn();
  await using directory = await HealthDir.open(home.healthDir);
  const now = new Date().toISOString();
  const status = {
    pid: bystander.pid,
    answers: 0,
    state: "running",
    control: { state: "running", source: "start", since: now },
    loop: { stage: "idle", stuck: false },
    held: { documents: 0, running: 0 },
    counters: {},
    updated_at: now,
  };
  await directory.write("status.json", JSON.stringify(status));
  const { code, stderr } = await home.run("pause");
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^pulling-agent: The agent of \S+ does not answer as process \d+: .* another container .*\n$/,
  );

  await directory.write("status.json", JSON.stringify({ ...status, pid: 2 ** 22 }));
  const unknown = await home.run("pause");
  assertStringIncludes(
    unknown.stderr,
    `does not answer as process ${2 ** 22}: there is no such process here`,
  );
  // What it says already is no confirmation either.
  const resumed = await home.run("resume");
  assertEquals([resumed.code, resumed.stdout], [1, ""]);
  bystander.kill("SIGTERM");
  assertEquals((await bystander.status).signal, "SIGTERM", "no signal of ours had ended it before");
});

Deno.test("Commands: an agent starts in the directory of a killed one, and removes its files first", async () => {
  await using db = await testDatabase("stale files");
  await using home = await agentHome({ db });
  const killed = await home.startReady();
  await killed.kill9();
  assert(await home.probe("readiness"), "a killed agent cannot clean up");
  const agent = await home.start({ env: { MONGODB_URI: "mongodb://127.0.0.1:1/" } });
  await agent.log("Starting");
  await waitFor("the heartbeat", () => home.probe("liveness"));
  assert(!(await home.probe("readiness")), "the readiness of the dead must not pass for ours");
});
