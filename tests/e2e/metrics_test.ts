import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { checkWithPromtool, converse, freePort, PROMTOOL, valueOf } from "../support/metrics.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing, MOUNT_NAMESPACE, OTHER_USER, type Requirement } from "../support/optional.ts";
import { readProc } from "../support/proc.ts";
import { waitFor } from "../support/wait.ts";

const MODULE = `
export default async ({ _id }, { attempt }) => {
  if (_id === 1) throw Object.assign(new Error("no document " + _id), { permanent: true });
  if (_id === 2 && attempt === 1) throw new Error("not yet, document " + _id);
};
`;

/** Ports that are kept for root. */
const PRIVILEGED_PORTS: Requirement = {
  what: "tests of a port that is kept for root",
  why: "any user may listen on port 80 here",
  install: "set the sysctl net.ipv4.ip_unprivileged_port_start to 1024",
  probe: ["sh", "-c", "test $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) -gt 80"],
  isExample: true,
};

const withoutPromtool = await isMissing(PROMTOOL);

Deno.test("METRICS_PORT serves from zero on what the agent does; METRICS_FILE and metrics show the same; nothing keeps it from its work", async () => {
  const port = freePort();
  await using db = await testDatabase("metrics");
  await using home = await agentHome({ db, module: MODULE });
  const agent = await home.startReady({ env: { METRICS_PORT: String(port), METRICS_FILE: "true" } });
  const scrape = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

  const before = await scrape();
  assertEquals(valueOf(before, 'pulling_agent_settled_total{outcome="processed"}'), 0);
  assertEquals(valueOf(before, 'pulling_agent_handler_seconds_count{result="failed"}'), 0);
  assertEquals(valueOf(before, "pulling_agent_ready"), 1);
  if (!withoutPromtool) await checkWithPromtool(before);

  await insertPending(db, upTo(30));
  await agent.untilSettled(30);
  const after = await scrape();
  const settled = (outcome: string) => valueOf(after, `pulling_agent_settled_total{outcome="${outcome}"}`);
  assertEquals([settled("processed"), settled("dead_lettered"), settled("retried")], [29, 1, 1]);
  assertEquals(valueOf(after, "pulling_agent_claimed_total"), 31);
  assertEquals(valueOf(after, "pulling_agent_attempts_failed_total"), 2);
  assertEquals(valueOf(after, 'pulling_agent_handler_seconds_count{result="ok"}'), 29);
  assertEquals(valueOf(after, 'pulling_agent_handler_seconds_count{result="failed"}'), 2);
  // The one that was retried tells when it was due; the ids are numbers, which tell no time.
  assertEquals(valueOf(after, "pulling_agent_pick_up_delay_seconds_count"), 1);
  assert(
    valueOf(after, 'pulling_agent_mongodb_operation_seconds_count{operation="write",outcome="ok"}')! >= 3,
  );
  // Neither an error nor an id of a document.
  assertEquals(after.match(/not yet|no document/), null);

  agent.signal("SIGUSR1");
  await agent.untilStatus("a pause", ({ state }) => state === "paused");
  const paused = await home.run("metrics");
  assertEquals([paused.code, paused.stderr], [0, ""]);
  assertEquals(valueOf(paused.stdout, 'pulling_agent_paused{source="signal"}'), 1);
  assertEquals(valueOf(paused.stdout, "pulling_agent_ready"), 0);
  assertEquals(valueOf(paused.stdout, 'pulling_agent_settled_total{outcome="processed"}'), 29);
  if (!withoutPromtool) {
    await checkWithPromtool(after);
    await checkWithPromtool(paused.stdout + "\n");
    await checkWithPromtool(await Deno.readTextFile(`${home.healthDir}/metrics.prom`));
  }
  agent.signal("SIGUSR2");

  const slow: Deno.Conn[] = [];
  for (let count = 0; count < 60; count++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(
      new TextEncoder().encode(count % 2 === 0 ? "GET /metrics HTTP/1.1\r\n\r\n" : "GET /"),
    );
    slow.push(connection);
  }
  await insertPending(db, upTo(60).slice(30));
  await agent.untilSettled(60);
  assertEquals(valueOf(await scrape(), 'pulling_agent_settled_total{outcome="processed"}'), 59);
  const { stdout } = await new Deno.Command("ls", { args: ["-l", `/proc/${agent.pid}/fd`] }).output();
  const sockets = new TextDecoder().decode(stdout).match(/socket:/g)!.length;
  // Sixteen of them, the listener, and those to MongoDB.
  assert(sockets < 40, `${sockets} sockets are open`);
  for (const connection of slow) connection.close();
  assertMatch(await converse(port, "GET /healthz HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 404 .*\r\n\r\n$/s);

  // The probes go by the files alone.
  assertEquals([await home.probe("liveness"), await home.probe("readiness")], [true, true]);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  const gone = await home.run("metrics");
  assertEquals([gone.code, gone.stdout], [1, ""]);
  assertStringIncludes(gone.stderr, "No agent uses the health directory");
});

Deno.test("METRICS_PORT that another process has ends the start in one sentence, with 1, and leaves the health directory free", async () => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;
  await using db = await testDatabase("metrics port in use");
  await using home = await agentHome({ db });
  const { code, stderr, stdout } = await home.runWith({ env: { METRICS_PORT: String(port) } });
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertEquals(
    stderr,
    `pulling-agent: METRICS_PORT is ${port}, which another process listens on: set a port that is free, or a METRICS_PORT for each agent\n`,
  );
  await home.startReady();
});

Deno.test({
  name: "METRICS_PORT that the agent may not listen on ends the start in one sentence, with 2",
  ignore: await isMissing(OTHER_USER) || await isMissing(PRIVILEGED_PORTS),
  fn: async () => {
    await using db = await testDatabase("metrics port refused");
    await using home = await agentHome({ db });
    await Deno.chmod(home.dir, 0o777);
    const { code, stderr } = await home.runWith({
      wrapper: ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--inh-caps=-all"],
      env: { METRICS_PORT: "80" },
    });
    assertEquals(code, 2, stderr);
    assertMatch(
      stderr,
      /^pulling-agent: METRICS_PORT is 80, which user 65532 may not listen on: set a port above 1023\n$/,
    );
  },
});

Deno.test("metrics reports an agent that writes none, and one that is frozen, whose last metrics it prints all the same", async () => {
  await using db = await testDatabase("metrics command");
  await using home = await agentHome({ db });
  const agent = await home.startReady();
  const none = await home.run("metrics");
  assertEquals([none.code, none.stdout], [1, ""]);
  assertEquals(
    none.stderr,
    `pulling-agent: The agent of ${home.healthDir} has written no metrics.prom: start it with METRICS_FILE=true; if it was, see its log\n`,
  );
  agent.signal("SIGTERM");
  await agent.exit();

  const frozen = await home.startReady({ env: { METRICS_FILE: "true" } });
  await waitFor("the metrics", () => Deno.stat(`${home.healthDir}/metrics.prom`));
  frozen.signal("SIGSTOP");
  const last = await home.run("metrics");
  frozen.signal("SIGCONT");
  assertEquals(last.code, 1);
  assertEquals(valueOf(last.stdout, "pulling_agent_build_info"), undefined);
  assertMatch(last.stdout, /^pulling_agent_build_info\{version="[^"]+",commit="[^"]+"\} 1$/m);
  assertMatch(last.stderr, /^pulling-agent: The agent \(process \d+\) has not responded since /);

  await frozen.kill9();
  // The file of the dead agent is still there.
  assert(await Deno.stat(`${home.healthDir}/metrics.prom`));
  const dead = await home.run("metrics");
  assertEquals([dead.code, dead.stdout], [1, ""]);
  assertStringIncludes(dead.stderr, "No agent uses the health directory");
});

Deno.test({
  name: "METRICS_FILE: a health directory without room for it costs an error in the log, and no probe fails",
  ignore: await isMissing(MOUNT_NAMESPACE),
  fn: async () => {
    await using db = await testDatabase("metrics without room");
    await using home = await agentHome({ db });
    await Deno.mkdir(home.healthDir);
    // Room for the other files and one that is about to replace another, in pages of 4 KiB.
    const mounts = `mount -t tmpfs -o size=28k tmpfs "$HEALTH_DIR" && exec "$@"`;
    const agent = await home.start({
      wrapper: ["unshare", "--mount", "sh", "-c", mounts, "sh"],
      env: { METRICS_FILE: "true" },
    });
    const line = await agent.log("cannot be written");
    assertMatch(line.message, /No space left on device/);
    const liveness = () => readProc(`/proc/${agent.pid}/root${home.healthDir}/liveness`);
    for (let beat = 0; beat < 3; beat++) {
      const last = await liveness();
      await waitFor("the next heartbeat", async () => await liveness() !== last);
    }
    assertEquals(agent.entries.filter(({ level }) => level === "ERROR").length, 1);
  },
});

Deno.test("METRICS_FILE: a health directory that is removed and made again costs an error in the log, not the agent, and the metrics come back", async () => {
  await using db = await testDatabase("metrics directory");
  await using home = await agentHome({ db });
  const agent = await home.startReady({ env: { METRICS_FILE: "true" } });
  await waitFor("the metrics", () => Deno.stat(`${home.healthDir}/metrics.prom`));
  await waitFor(
    "the directory to be gone",
    () => Deno.remove(home.healthDir, { recursive: true }).then(() => true),
  );
  await waitFor("the metrics to be back", () => Deno.stat(`${home.healthDir}/metrics.prom`));
  assert(!agent.ended);
});
