import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { exists } from "@std/fs/exists";
import type { Status } from "../../health/status.ts";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { insertPending } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { integerFrom, seededRandom } from "../support/random.ts";
import { waitFor } from "../support/wait.ts";

const FILES = ["liveness", "readiness", "startup", "status.json"];

/** Blocks the process with document 1 until there is a file `marks.go` in the home. */
const BLOCKING = `
export default ({ _id }) => {
  mark("start " + _id);
  for (; _id === 1;) {
    try {
      return void Deno.statSync(Deno.env.get("MARKS") + ".go");
    } catch {
      // Not yet. This blocks the process, and leaves the core to others.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
};`;

/** Waits until `status` says that the agent does not respond; what it says. */
async function untilNotResponding(home: AgentHome) {
  return await waitFor("status to notice", async () => {
    const result = await home.run("status");
    return result.code === 1 ? result : undefined;
  });
}

async function assertNotBelieved(home: AgentHome, { state }: Status): Promise<void> {
  const { stdout, stderr } = await untilNotResponding(home);
  assertMatch(
    stdout,
    new RegExp(`^state +not responding, since \\S+ UTC, \\d+ s ago; before that ${state}$`, "m"),
  );
  assertMatch(
    stderr,
    /^pulling-agent: The agent \(process \d+\) has not responded since \S+ UTC, \d+ s ago: it is frozen, .*\n$/,
  );
  const [json, ...told] = await Promise.all(
    [["status", "--json"], ["pause"], ["resume"]].map((args) => home.run(...args)),
  );
  assertEquals([json!.code, JSON.parse(json!.stdout).responding], [1, false]);
  for (const { code, stdout, stderr } of told) {
    assertEquals([code, stdout], [1, ""]);
    assertMatch(
      stderr,
      /^pulling-agent: The agent of \S+ does not answer as process \d+: it is frozen, .*\n$/,
    );
  }
}

Deno.test("status, pause and resume do not trust the status of a frozen process, and do once it goes on", async () => {
  await using db = await testDatabase("frozen");
  await using home = await agentHome({ db });
  const agent = await home.startReady();
  const before = await agent.untilStatus("a whole status", ({ ready }) => ready);
  agent.signal("SIGSTOP");
  await assertNotBelieved(home, before);
  agent.signal("SIGCONT");
  // The signals that ask have arrived meanwhile; nothing else was sent.
  const status = await waitFor("status to be fine", async () => {
    const { code, stdout } = await home.run("status", "--json");
    return code === 0 ? JSON.parse(stdout) as Status & { responding: boolean } : undefined;
  });
  assertEquals([status.state, status.control.source, status.responding], ["running", "start", true]);
  assertEquals((await home.run("pause")).code, 0);
});

Deno.test("status, pause and resume do not trust the status of a process that its handler blocks", async () => {
  await using db = await testDatabase("blocked");
  const documents = await insertPending(db, [0]);
  await using home = await agentHome({ db, module: BLOCKING });
  const agent = await home.startReady();
  const before = await agent.untilStatus("a whole status", ({ ready }) => ready);
  await documents.insertOne({ _id: 1, status: "pending" });
  await home.untilMarked("start 1");
  await assertNotBelieved(home, before);
  await home.write("marks.go", "");
  await waitFor("status to be fine", async () => (await home.run("status")).code === 0);
});

Deno.test("Health files: a sweeper of temporary files takes nothing away for long, and lets no second agent in", async () => {
  await using db = await testDatabase("sweeper");
  await using home = await agentHome({ db, env: { PROCESSOR: "log" } });
  const agent = await home.startReady();
  for (const sweep of ["files", "directory"]) {
    // Frozen, so that the sweeper is faster than the heartbeat.
    agent.signal("SIGSTOP");
    if (sweep === "directory") await Deno.remove(home.healthDir, { recursive: true });
    else {for (const { name } of Deno.readDirSync(home.healthDir)) {
        await Deno.remove(`${home.healthDir}/${name}`);
      }}
    if (sweep === "files") await assertRefused(home);
    agent.signal("SIGCONT");
    for (const file of [...FILES, "agent.lock"]) {
      await waitFor(`${file} to be back`, () => exists(`${home.healthDir}/${file}`));
    }
    await assertRefused(home);
    for (const probe of ["liveness", "readiness", "startup"] as const) assert(await home.probe(probe), probe);
    assertEquals((await home.run("status")).code, 0);
  }
  assertEquals(agent.entries.filter(({ level }) => level === "ERROR" || level === "WARNING"), []);
});

async function assertRefused(home: AgentHome): Promise<void> {
  const { code, stderr } = await home.run("run");
  assertEquals(code, 1);
  assertMatch(stderr, /^pulling-agent: The health directory \S+ is used by another live agent: /);
}

Deno.test("Health files: an agent whose directory another one took says so and leaves it alone", async () => {
  await using db = await testDatabase("two directories");
  await using home = await agentHome({ db });
  const first = await home.startReady();
  first.signal("SIGSTOP");
  await Deno.remove(home.healthDir, { recursive: true });
  const second = await home.startReady();
  first.signal("SIGCONT");
  assertEquals((await first.log("another live agent uses it now")).level, "ERROR");
  first.signal("SIGTERM");
  assertEquals((await first.exit()).code, 0);
  assertEquals((await second.status()).pid, second.pid);
  assert(await home.probe("readiness"), "who goes takes nothing of the other's along");
});

Deno.test("Health files: storms of pauses and resumes leave readiness and status as the last one wants them", async () => {
  await using db = await testDatabase("storms");
  await using home = await agentHome({ db, env: { HEARTBEAT_INTERVAL: "5m" } });
  const agent = await home.startReady();
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    for (let count = 0; count < 10; count++) {
      agent.signal(random() < 0.5 ? "SIGUSR1" : "SIGUSR2");
      const gapMs = integerFrom(random, 0, 3);
      if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs));
    }
    const isPaused = random() < 0.5;
    await settle(agent, isPaused ? "SIGUSR2" : "SIGUSR1");
    const status = await settle(agent, isPaused ? "SIGUSR1" : "SIGUSR2");
    assertEquals(status.state, isPaused ? "paused" : "running", `seed ${seed}`);
    assertEquals(
      [status.ready, await exists(`${home.healthDir}/readiness`)],
      [!isPaused, !isPaused],
      `seed ${seed}`,
    );
  }
});

/** Sends a signal, and another that is answered once it has taken effect; the status of the answer. */
async function settle(agent: AgentProcess, signal: Deno.Signal): Promise<Status> {
  const wanted = signal === "SIGUSR1" ? "paused" : "running";
  agent.signal(signal);
  // If two are pending, the system delivers the one with the lower number first, in any order of sending.
  await waitFor(`the agent to be ${wanted}`, async () => {
    if ((await agent.status()).control.state === wanted) return true;
    agent.signal(signal);
    return false;
  });
  const { answers } = await agent.status();
  agent.signal("SIGURG");
  return await agent.untilStatus("an answer", (status) => status.answers > answers);
}

for (const setBySeconds of [-7200, 7200]) {
  Deno.test(`Health files: probes and status do not depend on a clock that is set by ${setBySeconds} s`, async () => {
    await using db = await testDatabase(`clock ${setBySeconds}`);
    await using home = await agentHome({ db, env: { HEARTBEAT_INTERVAL: "5m" } });
    const agent = await home.startReady();
    await agent.untilStatus("a whole status", ({ ready }) => ready);
    // As if the files had been written by the clock of before.
    const shifted = new Date(Date.now() - setBySeconds * 1000);
    for (const file of FILES) {
      const path = `${home.healthDir}/${file}`;
      const content = JSON.parse(await Deno.readTextFile(path));
      const at = content.at === undefined ? { updated_at: shifted } : { at: shifted };
      await Deno.writeTextFile(path, JSON.stringify({ ...content, ...at }));
      await Deno.utime(path, shifted, shifted);
    }
    for (const probe of ["liveness", "readiness", "startup"] as const) assert(await home.probe(probe), probe);
    const { code, stdout } = await home.run("status", "--json");
    const { age_ms: age, responding } = JSON.parse(stdout);
    assertEquals([code, responding], [0, true]);
    assert(age < 60_000, `${age} ms`);
    // An old one stays old, for any time of the clock.
    const path = `${home.healthDir}/liveness`;
    const content = JSON.parse(await Deno.readTextFile(path));
    content.machine_uptime_s -= 1000;
    await Deno.writeTextFile(path, JSON.stringify(content));
    assertFalse(await home.probe("liveness"));
  });
}
