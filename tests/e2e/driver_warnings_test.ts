import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";

Deno.test("MONGODB_URI: options of MONGODB_URI that the driver warns of put nothing of the driver's on standard error", async () => {
  await using db = await testDatabase("driver warnings");
  await using home = await agentHome({
    db: { uri: `${db.uri}&w=majority&j=true&timeoutMS=1000`, name: db.name },
    module: `process.emitWarning("of the module's own"); export default () => {};`.replace(
      "process",
      `import process from "node:process"; process`,
    ),
  });
  const check = await home.run("check");
  assertEquals([check.code, check.stderr.includes("MONGODB DRIVER")], [0, false], check.stderr);
  const run = await home.run("run", "--until-empty");
  assertEquals([run.code, run.stderr.includes("MONGODB DRIVER")], [0, false], run.stderr);
  assertStringIncludes(run.stdout, "MONGODB_URI asks for timeoutMS=1000, which is ignored");
  assertStringIncludes(run.stdout + run.stderr, "of the module's own");
});

Deno.test("run with a mongodb+srv:// name puts nothing of the runtime's own on standard error", async () => {
  await using home = await agentHome({ db: { uri: "mongodb+srv://no-such-name.invalid/", name: "nowhere" } });
  const agent = await home.start();
  await agent.log("Cannot claim");
  // The name is looked up again, and standard error ends with the process.
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertFalse(agent.output.includes("DeprecationWarning"), agent.output);
});
