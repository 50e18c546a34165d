import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";

/** What a processor must not be able to do; each is tried while the module loads, in a worker, and in the handler. */
const FORBIDDEN = {
  "Deno.Command": `new Deno.Command("true").outputSync()`,
  "node:child_process": `(await import("node:child_process")).execFileSync("true")`,
  "Deno.kill": `Deno.kill(Deno.pid, "SIGCONT")`,
  "Deno.dlopen": `Deno.dlopen("libc.so.6", {})`,
  "os.userInfo": `(await import("node:os")).userInfo()`,
  "the environment of the process": `Deno.readTextFileSync("/proc/self/environ")`,
  "regained permission": `
    if ((await Deno.permissions.request({ name: "run" })).state === "granted") return; else throw new Deno.errors.NotCapable("denied")`,
};

/** Runs each of {@linkcode FORBIDDEN}; an object of the names of the errors, or `done`. */
const TRY_ALL = `async () => {
  const tries = {
    ${
  Object.entries(FORBIDDEN).map(([name, code]) => `${JSON.stringify(name)}: async () => { ${code} },`).join(
    "\n",
  )
}
  };
  const found = {};
  for (const [name, attempt] of Object.entries(tries)) {
    found[name] = await attempt().then(() => "done", (error) => error.name);
  }
  return found;
}`;

Deno.test("a processor's module can start no program, whenever and in whichever way it tries", async () => {
  await using db = await testDatabase("least privilege");
  await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `
      const tryAll = ${TRY_ALL};
      mark("load " + JSON.stringify(await tryAll()));
      const source = "const tryAll = " + tryAll + "; postMessage(JSON.stringify(await tryAll()))";
      const worker = new Worker("data:text/javascript," + encodeURIComponent(source), { type: "module" });
      mark("worker " + await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data)));
      worker.terminate();
      export default async () => mark("handler " + JSON.stringify(await tryAll()));`,
  });
  const agent = await home.startReady();
  await agent.log(({ message }) => message === "Agent is running");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0, agent.output);

  const expected = Object.fromEntries(Object.keys(FORBIDDEN).map((name) => [name, "NotCapable"]));
  const found = (await home.marks()).map(({ text }) => {
    const space = text.indexOf(" ");
    return [text.slice(0, space), JSON.parse(text.slice(space + 1))];
  });
  assertEquals(Object.fromEntries(found), { load: expected, worker: expected, handler: expected });
});

Deno.test("the limit of the heap is in the first line of the log and in --version, and fits a container of 512 MiB", async () => {
  await using db = await testDatabase("heap limit");
  await using home = await agentHome({ db });
  const agent = await home.start();
  const { heapLimitMiB } = await agent.log("Starting pulling-agent");
  const [, told] = /heap limit (\d+) MiB/.exec((await home.run("--version")).stdout)!;
  assertEquals(heapLimitMiB, Number(told));
  // 256 MiB of old objects and three half spaces of 16 for the young ones.
  assertEquals(heapLimitMiB, 256 + 3 * 16);
});

Deno.test("--version says what the executable is made of", async () => {
  await using home = await agentHome();
  const { stdout } = await home.run("--version");
  assertMatch(
    stdout,
    /^pulling-agent \d+\.\d+\.\d+ \(commit [0-9a-f]{12}(-dirty)?, \w+ build, deno \d+\.\d+\.\d+, mongodb driver \d+\.\d+\.\d+, heap limit/,
  );
});
