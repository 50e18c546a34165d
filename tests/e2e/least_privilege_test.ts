import { assertEquals, assertMatch } from "@std/assert";
import { exists } from "@std/fs";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** What a processor must not be able to do; a program that runs all the same leaves a file `marks.ran`. */
const FORBIDDEN = {
  "Deno.Command": `new Deno.Command("touch", { args: [ran] }).outputSync()`,
  // Says no more than that the command failed.
  "node:child_process": `(await import("node:child_process")).execFileSync("touch", [ran])`,
  "Deno.kill": `Deno.kill(Deno.pid, "SIGCONT")`,
  "Deno.dlopen": `Deno.dlopen("libc.so.6", {})`,
  "os.userInfo": `(await import("node:os")).userInfo()`,
  "the environment as the kernel has it": `Deno.readTextFileSync("/proc/self/environ")`,
};

/** Tries all of {@linkcode FORBIDDEN}; the names of the errors, or `done`. */
const TRY_ALL = `async (ran) => {
  const found = { regained: (await Deno.permissions.request({ name: "run" })).state };
  const tries = { ${
  Object.entries(FORBIDDEN).map(([name, code]) => `${JSON.stringify(name)}: async () => { ${code} }`)
} };
  for (const [name, attempt] of Object.entries(tries)) {
    found[name] = await attempt().then(() => "done", (error) => error.name);
  }
  return JSON.stringify(found);
}`;

/** Tries while it is loaded, in a worker that it starts then, and in its handler. */
const MODULE = `
const tryAll = ${TRY_ALL};
const ran = Deno.env.get("MARKS") + ".ran";
mark("load " + await tryAll(ran));
const source = "postMessage(await (" + tryAll + ")(" + JSON.stringify(ran) + "))";
const worker = new Worker("data:text/javascript," + encodeURIComponent(source), { type: "module" });
mark("worker " + await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data)));
worker.terminate();
export default async () => mark("handler " + await tryAll(ran));`;

Deno.test("Permissions: a processor's module can start no program, at any time and in any way", async () => {
  await using db = await testDatabase("least privilege");
  await insertPending(db, [1]);
  await using home = await agentHome({ db, module: MODULE });
  const agent = await home.start();
  await agent.log("MongoDB is in reach");
  const marks = await waitFor("all attempts", async () => {
    const marks = await home.marks();
    return marks.length === 3 ? marks : undefined;
  });

  const refused = {
    regained: "denied",
    ...Object.fromEntries(Object.keys(FORBIDDEN).map((name) => [name, "NotCapable"])),
    "node:child_process": "Error",
  };
  const found = marks.map(({ text }) => {
    const space = text.indexOf(" ");
    return [text.slice(0, space), JSON.parse(text.slice(space + 1))];
  });
  assertEquals(Object.fromEntries(found), { load: refused, worker: refused, handler: refused });
  assertEquals(await exists(`${home.marksFile}.ran`), false);
});

Deno.test("Permissions: the limit of the heap is in the first line of the log and in --version, and fits a container of 512 MiB", async () => {
  await using db = await testDatabase("heap limit");
  await using home = await agentHome({ db });
  const agent = await home.start();
  const { heapLimitMiB } = await agent.log("Starting pulling-agent");
  const [, told] = /heap limit (\d+) MiB/.exec((await home.run("--version")).stdout)!;
  assertEquals(heapLimitMiB, Number(told));
  // 256 MiB of old objects and three half spaces of 4 for the young ones.
  assertEquals(heapLimitMiB, 256 + 3 * 4);
});

Deno.test("--version says what the executable is made of", async () => {
  await using home = await agentHome();
  const { stdout } = await home.run("--version");
  assertMatch(
    stdout,
    /^pulling-agent \d+\.\d+\.\d+ \(commit [\w.-]+, \w+ build, deno \d+\.\d+\.\d+, mongodb driver \d+\.\d+\.\d+, heap limit/,
  );
});
