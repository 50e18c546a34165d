import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { MARKING } from "../support/modules.ts";
import { waitFor } from "../support/wait.ts";
import { testDatabase } from "../support/mongod.ts";

/** Changes a mounted ConfigMap as kubelet does: a new directory, and a symbolic link that is swapped in one step. */
class ConfigMapVolume {
  readonly #dir: string;
  #version = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async write(state: string): Promise<void> {
    const old = `..2026_01_01_00_00_00.${this.#version}`;
    const name = `..2026_01_01_00_00_00.${++this.#version}`;
    await Deno.mkdir(`${this.#dir}/${name}`);
    await Deno.writeTextFile(`${this.#dir}/${name}/state`, state);
    await Deno.symlink(name, `${this.#dir}/..data_tmp`);
    await Deno.rename(`${this.#dir}/..data_tmp`, `${this.#dir}/..data`);
    if (this.#version === 1) await Deno.symlink("..data/state", `${this.#dir}/state`);
    else await Deno.remove(`${this.#dir}/${old}`, { recursive: true });
  }
}

/** Writes the control file in one step, as an editor does. */
async function control(home: AgentHome, content: string): Promise<void> {
  await Deno.writeTextFile(`${home.controlFile}.new`, content);
  await Deno.rename(`${home.controlFile}.new`, home.controlFile);
}

Deno.test("CONTROL_FILE: a ConfigMap that kubelet swaps pauses and resumes, each time it changes", async () => {
  await using db = await testDatabase("configmap");
  await using home = await agentHome({ db });
  const volume = new ConfigMapVolume(`${home.dir}/control`);
  await volume.write("resume\n");
  const agent = await home.startReady();
  let last = await agent.log("Agent is running");
  for (let round = 0; round < 3; round++) {
    await volume.write("pause\n");
    last = await agent.log("Paused", { after: last });
    assertEquals(last.source, "file");
    await volume.write("resume\n");
    last = await agent.log("Resumed", { after: last });
  }
});

Deno.test("CONTROL_FILE: a control file that says pause at the start keeps the agent from claiming anything", async () => {
  await using db = await testDatabase("paused at start");
  const documents = await insertPending(db, upTo(3));
  await using home = await agentHome({ db, module: MARKING });
  await control(home, "pause");
  const agent = await home.start();
  const { control: by, ready } = await agent.untilStatus(
    "the agent to be connected and paused",
    ({ state, connected }) => state === "paused" && connected,
  );
  assertEquals({ source: by.source, ready }, { source: "file", ready: false });
  assertEquals(await documents.countDocuments({ status: "pending", _pull: { $exists: false } }), 3);
  assert(await home.probe("startup"));
  assert(await home.probe("liveness"));
  await control(home, "resume");
  await home.untilMarked("3");
  await agent.untilStatus(
    "the agent to run by the file",
    ({ state, control }) => state === "running" && control.source === "file",
  );
});

Deno.test("CONTROL_FILE: a control file, and its directory, may come after the agent has started", async () => {
  await using db = await testDatabase("late file");
  await using home = await agentHome({ db });
  await Deno.remove(`${home.dir}/control`, { recursive: true });
  const agent = await home.startReady();
  await Deno.mkdir(`${home.dir}/control`);
  await control(home, "pause");
  assertEquals((await agent.log("Paused")).source, "file");
});

Deno.test("CONTROL_FILE: a control directory that was removed and made again is still followed", async () => {
  await using db = await testDatabase("recreated directory");
  await using home = await agentHome({ db });
  await control(home, "resume");
  const agent = await home.startReady();
  let last = await agent.log("Agent is running");
  for (const [content, message] of [["pause", "Paused"], ["resume", "Resumed"]] as const) {
    await Deno.remove(`${home.dir}/control`, { recursive: true });
    await Deno.mkdir(`${home.dir}/control`);
    await control(home, content);
    last = await agent.log(message, { after: last });
  }
});

Deno.test("CONTROL_FILE: a control file that vanishes leaves the agent as it is", async () => {
  await using db = await testDatabase("vanished file");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({ db, module: MARKING });
  await control(home, "pause");
  const agent = await home.start();
  await agent.untilStatus("the agent to be paused", ({ state }) => state === "paused");
  await Deno.remove(home.controlFile);
  await agent.log("There is no control file");
  // What it does about the absence it has done by now: the next word is read after it.
  await control(home, "?");
  await agent.log('says "?"');
  assertEquals((await agent.status()).state, "paused");
  assertFalse(agent.hasLogged("Resumed"));
  assertEquals(await documents.countDocuments({ status: "pending" }), 1);
});

Deno.test("CONTROL_FILE: garbage in the control file is reported once for each kind and changes nothing", async () => {
  await using db = await testDatabase("garbage");
  await insertPending(db, [1]);
  await using home = await agentHome({ db, module: MARKING });
  await control(home, "  PAUSE \r\n");
  const agent = await home.start();
  await agent.log("Paused");
  const garbage: [Uint8Array<ArrayBuffer> | string, string][] = [
    ["stop", 'says "stop"'],
    ["", "is empty"],
    ["pause resume", 'says "pause resume"'],
    [new Uint8Array(64).fill(255), "says"],
    ["x".repeat(5_000_000), 'says "xxx'],
    ['{"state":"resume"}', '"resume'],
  ];
  for (const [content, said] of garbage) {
    const last = agent.entries.at(-1);
    await Deno.writeFile(
      home.controlFile,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    const line = await agent.log(({ message }) => message.startsWith("The control file"), { after: last });
    assertEquals(line.level, "WARNING");
    if (content !== "") {
      assertStringIncludes((await agent.log(said, { after: last })).message, "stays as it is");
    }
  }
  assertEquals(agent.entries.filter(({ message }) => message.includes('says "stop"')).length, 1);
  await agent.untilStatus("the agent to be paused", ({ state }) => state === "paused");
  await control(home, "resume");
  await home.untilMarked("1");
});

Deno.test("CONTROL_FILE: a directory, a pipe or a dangling link in place of the control file harm nothing", async () => {
  await using db = await testDatabase("no file");
  await using home = await agentHome({ db, module: MARKING });
  await Deno.mkdir(home.controlFile);
  const agent = await home.startReady();
  const directory = await agent.log("not a file");
  await Deno.remove(home.controlFile);
  await Deno.symlink("nothing", home.controlFile);
  await new Deno.Command("mkfifo", { args: [`${home.controlFile}.pipe`] }).output();
  await Deno.rename(`${home.controlFile}.pipe`, home.controlFile);
  await control(home, "pause");
  await agent.log("Paused", { after: directory });
});

Deno.test("CONTROL_FILE: a pipe in a control directory that is made anew does not stop the process", async () => {
  await using db = await testDatabase("pipe in a new directory");
  await using home = await agentHome({ db });
  await control(home, "resume");
  const agent = await home.startReady();
  let last = await agent.log("Agent is running");
  for (
    const [content, message] of [["pause", "Paused"], ["resume", "Resumed"], ["pause", "Paused"]] as const
  ) {
    await Deno.remove(home.controlFile);
    await new Deno.Command("mkfifo", { args: [home.controlFile] }).output();
    last = await agent.log("not a file", { after: last });
    await Deno.remove(`${home.dir}/control`, { recursive: true });
    await Deno.mkdir(`${home.dir}/control`);
    await control(home, content);
    last = await agent.log(message, { after: last });
  }
});

Deno.test("CONTROL_FILE: between file and signal the latest change wins, and writing the same again is not a change", async () => {
  await using db = await testDatabase("latest wins");
  await using home = await agentHome({ db, module: MARKING });
  await control(home, "pause");
  const agent = await home.start();
  let last = await agent.log("Paused");
  assertEquals(last.source, "file");

  agent.signal("SIGUSR2");
  last = await agent.log("Resumed", { after: last });
  assertEquals(last.source, "signal");
  // The file still says pause and is written again: that is no change.
  await control(home, "pause\n");
  await control(home, "none of both");
  last = await agent.log('says "none of both"', { after: last });
  await waitFor("the agent to run", async () => (await agent.status()).state === "running");

  agent.signal("SIGUSR1");
  last = await agent.log("Paused", { after: last });
  await control(home, "resume");
  last = await agent.log("Resumed", { after: last });
  assertEquals(last.source, "file");

  agent.signal("SIGUSR1");
  last = await agent.log("Paused", { after: last });
  await control(home, "RESUME");
  await control(home, "neither");
  await agent.log('says "neither"', { after: last });
  assertEquals(agent.entries.filter(({ message }) => message.startsWith("Resumed")).length, 2);
  const { control: by } = await agent.untilStatus(
    "the agent to be paused",
    ({ state }) => state === "paused",
  );
  assertEquals(by.source, "signal");
});
