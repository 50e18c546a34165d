import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing, MOUNT_NAMESPACE, OTHER_USER } from "../support/optional.ts";
import { readProc } from "../support/proc.ts";
import { waitFor } from "../support/wait.ts";

/** A line for each file that a process has open, with its path. */
async function openFilesOf(pid: number): Promise<string> {
  const { stdout } = await new Deno.Command("ls", { args: ["-l", `/proc/${pid}/fd`] }).output();
  return new TextDecoder().decode(stdout);
}

const AS_NOBODY = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--inh-caps=-all"];

Deno.test("HEALTH_DIR: a second agent on the same health directory is refused in one sentence; the first goes on", async () => {
  await using db = await testDatabase("two agents");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({ db });
  const first = await home.startReady();
  const { code, stdout, stderr } = await home.run("run");
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertMatch(
    stderr,
    /^pulling-agent: The health directory .* is used by another live agent: .*HEALTH_DIR.*\n$/,
  );
  await documents.insertOne({ _id: 2, status: "pending" });
  await waitFor(
    "the first to go on",
    async () => await documents.countDocuments({ status: "processed" }) === 2,
  );
  assert(await home.probe("readiness"));
  assertEquals((await first.status()).pid, first.pid);
});

Deno.test("HEALTH_DIR: an agent waits for a moment if the lock of another process is about to end, and starts then", async () => {
  await using db = await testDatabase("agents in turn");
  await using home = await agentHome({ db });
  await Deno.mkdir(home.healthDir, { recursive: true });
  using other = await Deno.open(home.healthDir);
  await other.lock(true);
  const agent = await home.start();
  const hasOpened = async () => (await openFilesOf(agent.pid)).includes(home.healthDir);
  await waitFor("the agent to ask for the lock", async () => agent.ended || await hasOpened());
  const askedMs = performance.now();
  await waitFor("more time than a command waits", () => agent.ended || performance.now() - askedMs > 600);
  other.unlockSync();
  await agent.untilReady();
});

Deno.test("HEALTH_DIR: a health directory below a file is refused in one sentence", async () => {
  await using db = await testDatabase("bad directory");
  await using home = await agentHome({ db });
  const file = await home.write("file", "");
  const { code, stdout, stderr } = await home.runWith({ env: { HEALTH_DIR: `${file}/health` } });
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertMatch(stderr, /^pulling-agent: The health directory .* cannot be written .*HEALTH_DIR\n$/);
});

Deno.test({
  name: "HEALTH_DIR: a health directory that its user may not write is refused in one sentence",
  ignore: await isMissing(OTHER_USER),
  fn: async () => {
    await using db = await testDatabase("no rights");
    await using home = await agentHome({ db });
    await Deno.chmod(home.dir, 0o755);
    const { code, stdout, stderr } = await home.runWith({ wrapper: AS_NOBODY });
    assertEquals({ code, stdout }, { code: 1, stdout: "" });
    assertMatch(stderr, /^pulling-agent: The health directory .* cannot be written .*HEALTH_DIR\n$/);
  },
});

Deno.test({
  name:
    "HEALTH_DIR: as a user without rights, on a file system that is read-only but for its health directory, all works",
  ignore: await isMissing(MOUNT_NAMESPACE) || await isMissing(OTHER_USER),
  fn: async () => {
    await using db = await testDatabase("read only");
    const documents = await insertPending(db, upTo(50));
    await using home = await agentHome({ db, env: { PROCESSOR: "log" } });
    await Deno.chmod(home.dir, 0o755);
    await Deno.mkdir(home.healthDir);
    const mounts =
      `mount -t tmpfs -o mode=777 tmpfs "$HEALTH_DIR" && mount -o remount,bind,ro / && exec "$@"`;
    const agent = await home.start({
      wrapper: ["unshare", "--mount", "sh", "-c", mounts, "sh", ...AS_NOBODY],
    });
    await waitFor(
      "all to be processed",
      async () => await documents.countDocuments({ status: "processed" }) === 50,
    );
    // Seen through the agent's own root, where the tmpfs is.
    const inside = `/proc/${agent.pid}/root${home.healthDir}`;
    await waitFor("the readiness file", () => readProc(`${inside}/readiness`));
    await Deno.writeTextFile(home.controlFile, "pause");
    assertEquals((await agent.log("Paused")).source, "file");
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0);
    assertEquals(agent.entries.filter(({ level }) => level === "ERROR" || level === "WARNING"), []);
    assertEquals(agent.stderr, "");
  },
});

Deno.test("HEALTH_DIR: a health directory that can no longer be written is reported, and the work goes on", async () => {
  await using db = await testDatabase("lost directory");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({ db });
  const agent = await home.startReady();
  await home.write("file", "");
  await waitFor("a file to be in its place", async () => {
    await Deno.remove(home.healthDir, { recursive: true });
    await Deno.rename(`${home.dir}/file`, home.healthDir);
    return true;
  });
  const line = await agent.log("cannot be written");
  assertEquals(line.level, "ERROR");
  await documents.insertOne({ _id: 2, status: "pending" });
  await waitFor(
    "the work to go on",
    async () => await documents.countDocuments({ status: "processed" }) === 2,
  );
  assertFalse(await home.probe("liveness"));
  await Deno.remove(home.healthDir);
  await agent.log("can be written again");
  assert(await home.probe("readiness"));
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("HEALTH_DIR: every health file is one line of JSON that people can read", async () => {
  await using db = await testDatabase("health files");
  await using home = await agentHome({ db });
  const agent = await home.startReady();
  await agent.untilStatus("a whole status", ({ state }) => state === "running");
  for (const file of ["liveness", "readiness", "startup", "status.json"]) {
    const text = await Deno.readTextFile(`${home.healthDir}/${file}`);
    assertEquals(text.split("\n").length, 2, file);
    assertStringIncludes(text, new Date().getFullYear().toString());
    assertEquals(typeof JSON.parse(text), "object");
  }
});
