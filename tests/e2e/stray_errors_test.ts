import { assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Modules: promises and timers that a module leaves behind and that fail do not end the agent", async () => {
  await using db = await testDatabase("stray errors");
  const documents = await insertPending(db, upTo(20));
  await using home = await agentHome({
    db,
    module: `export default async ({ _id }) => {
      Promise.reject(new Error("stray promise " + _id));
      setTimeout(() => { throw new Error("stray timer " + _id); }, 0);
      queueMicrotask(() => { throw { toString() { throw 1; } }; });
      await 0;
    };`,
  });
  const agent = await home.startReady();
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === 20,
  );
  // The test's own lines stand before the module's.
  const says = {
    promise: ["A promise that was not awaited has failed", 4],
    timer: ["belongs to no document", 5],
  } as const;
  for (const [kind, [message, row]] of Object.entries(says)) {
    const line = await agent.log(({ error }) => String(error).startsWith(`stray ${kind}`));
    assertEquals(line.level, "ERROR");
    assertStringIncludes(line.message, message);
    assertStringIncludes(String(line.at), `/processor.js:${row}`);
  }
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("Modules: a promise that a handler forgets to await and that fails after the ack names the place in the processor", async () => {
  await using db = await testDatabase("forgotten await");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      async function save() {
        await sleep(1);
        throw new Error("no power");
      }
      export default async () => { save(); };`,
  });
  const result = await home.run("run", "--until-empty");
  assertEquals(await documents.countDocuments({ status: "processed" }), 1);
  const line = result.stdout.split("\n").map((text) => text && JSON.parse(text)).find(({ error }) =>
    error === "no power"
  );
  assertEquals([line.level, line.message], [
    "ERROR",
    "A promise that was not awaited has failed, and no document with it: await it in the processor",
  ]);
  assertStringIncludes(line.at, "/processor.js:6");
});
