import { assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";

Deno.test("check says in plain words what a module leaves behind that fails, without colours", async () => {
  for (
    const [stray, says] of [
      [`Promise.reject(new Error("left behind"))`, "a promise that was not awaited has failed"],
      [`queueMicrotask(() => { throw new Error("left behind"); })`, "an error that no code caught"],
    ]
  ) {
    await using home = await agentHome({
      db: { uri: "mongodb://user:s3cr3t-Passw0rd@127.0.0.1:1/", name: "nowhere" },
      module: `${stray}; await new Promise((resolve) => setTimeout(resolve, 1)); export default () => {};`,
      env: { NO_COLOR: undefined },
    });
    const { code, stderr } = await home.run("check");
    assertEquals(code, 1);
    assertStringIncludes(stderr, `pulling-agent: ${says}`);
    assertStringIncludes(stderr, "left behind");
    assertFalse(stderr.includes("\x1b"), JSON.stringify(stderr));
  }
});

Deno.test("run with options alone goes on when a module leaves something behind that fails", async () => {
  await using db = await testDatabase("stray with options");
  await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `Promise.reject(new Error("stray of the start"));
      await new Promise((resolve) => setTimeout(resolve, 1));
      export default () => {};`,
    env: { NO_COLOR: undefined },
  });
  const agent = await home.start({ args: ["--until-empty"] });
  assertEquals((await agent.exit()).code, 0);
  await agent.log(({ error }) => error === "stray of the start");
  assertEquals(agent.stderr, "");
});

Deno.test("Modules: the stack of a handler's error is in one line at DEBUG, with that of its cause", async () => {
  await using db = await testDatabase("stacks");
  await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `function inner() { throw new TypeError("no power"); }
      export default (_, { log }) => {
        try { inner() } catch (cause) {
          log.error("seen", cause);
          throw Object.assign(new Error("it broke", { cause }), { permanent: true });
        }
      };`,
    env: { LOG_LEVEL: "DEBUG" },
  });
  const agent = await home.startReady();
  const [failed, seen, dead] = [
    await agent.log("The processor failed"),
    await agent.log("seen"),
    await agent.log("dead letter"),
  ];
  assertEquals([failed.id, failed.attempt, failed.error], ["1", 1, "it broke (cause: no power)"]);
  assertStringIncludes(String(failed.stack), "Caused by: TypeError: no power\n    at inner (file://");
  assertStringIncludes(String(seen.stack), "at inner");
  assertEquals([dead.error, dead.stack], ["it broke (cause: no power)", undefined]);
  // The executable is made of a bundle: its frames name the sources all the same.
  const [, path, line] = String(failed.stack).match(
    /HandlerRun\.\S+ \(file:\/\/\/\S*?\/(agent\/\S+\.ts):(\d+):\d+\)/,
  )!;
  const source = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  assertMatch(source.split("\n")[Number(line) - 1]!, /\(/);
});

Deno.test("Modules: what a module prints while it is loaded is on standard error when the agent does not start", async () => {
  await using home = await agentHome({
    db: { uri: "mongodb://user:s3cr3t-Passw0rd@127.0.0.1:1/", name: "nowhere" },
    module: `console.log("loading with", Deno.env.get("MONGODB_URI")); export default () => {};`,
    env: { BATCH_SIZE: "x" },
  });
  const { code, stdout, stderr } = await home.run("run");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "loading with mongodb://***@127.0.0.1:1/");
  assertStringIncludes(stderr, "pulling-agent: BATCH_SIZE");
});
