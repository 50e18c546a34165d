import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { OBEDIENT } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";

const NOWHERE = { uri: "mongodb://127.0.0.1:1/", name: "nowhere" };

/** Ways in which a module asks for the end of the process, and how the call is reported. */
const EXITS: Record<string, string> = {
  "Deno.exit(0)": "Deno.exit(0)",
  "Deno.exit()": "Deno.exit()",
  "process.exit(0)": "process.exit(0)",
  "process.exit(1)": "process.exit(1)",
  "process.reallyExit(0)": "process.reallyExit(0)",
  "process.abort()": "process.abort()",
  "globalThis.close()": "close()",
  '(await import("node:process")).default.exit(0)': "process.exit(0)",
  'const { exit } = await import("node:process"); exit(0)': "",
};

Deno.test("Modules: a handler that ends the process fails its own document, and a Job goes on to the last", async () => {
  await using db = await testDatabase("exits");
  const ids = [...Object.keys(EXITS), "fine"];
  const documents = await insertPending(db, ids);
  const cases = Object.keys(EXITS).map((call) => `${JSON.stringify(call)}: async () => { ${call}; }`);
  await using home = await agentHome({
    db,
    module: `const cases = { ${cases.join(",\n")}, fine() {} };
      process.on("exit", () => { process.exitCode = 7; });
      export default async ({ _id }) => { await cases[_id](); mark(_id); };`,
    env: { MAX_ATTEMPTS: "1", CONCURRENCY: "1" },
  });
  const result = await home.run("run", "--until-empty");
  assertEquals(result.code, 0, result.stderr + result.stdout);
  const found = await documents.find().toArray();
  const outcomes = new Map(found.map(({ _id, status, error }) => [String(_id), `${status} ${error ?? ""}`]));
  assertEquals(outcomes.get("fine"), "processed ");
  for (const [call, said] of Object.entries(EXITS)) {
    assertStringIncludes(outcomes.get(call)!, `failed The processor called ${said}`);
    assertStringIncludes(outcomes.get(call)!, "but only the agent ends its process");
  }
  assertEquals((await home.marks()).map(({ text }) => text), ["fine"]);
});

for (const call of Object.keys(EXITS)) {
  Deno.test(`Modules: a module that calls ${call} while it is loaded is refused by run and by check`, async () => {
    await using home = await agentHome({ db: NOWHERE, module: `${call};\nexport default () => {};` });
    for (const command of ["run", "check"]) {
      const { code, stdout, stderr } = await home.run(command);
      assertEquals({ code, stdout }, { code: 2, stdout: "" }, stderr);
      const lines = stderr.trimEnd().split("\n");
      assertEquals(lines.length, 1, stderr);
      assertMatch(
        lines[0]!,
        /^pulling-agent: PROCESSOR=module:\S+ calls \S+ while it is loaded, but only the agent/,
      );
    }
  });
}

Deno.test("Modules: a module's hooks at the end run, and do not change the exit status", async () => {
  await using home = await agentHome({
    db: NOWHERE,
    module:
      `globalThis.addEventListener("unload", () => { mark("unload"); Deno.exitCode = 0; Deno.exit(0); });
      export default () => {};`,
    env: { BATCH_SIZE: "0" },
  });
  const { code, stderr } = await home.run("check");
  assertEquals(code, 2, stderr);
  assertStringIncludes(stderr, "BATCH_SIZE");
  assertEquals((await home.marks()).map(({ text }) => text), ["unload"]);
});

Deno.test("Modules: a module's own handler of SIGTERM, which ends the process, does not keep the agent from its drain", async () => {
  await using db = await testDatabase("exits");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `process.on("SIGTERM", () => process.exit(0));
      Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
      ${OBEDIENT}`,
    env: { SHUTDOWN_TIMEOUT: "1" },
  });
  const agent = await home.start();
  await home.untilMarked("start 1");
  agent.signal("SIGTERM");
  const { code } = await agent.exit();
  assertEquals(code, 0, agent.output);
  assert(agent.hasLogged("Drained"), agent.output);
  const handedBack = await documents.findOne({ status: "pending" });
  assertEquals((handedBack as { _pull?: { token?: string } } | null)?._pull?.token, undefined);
  assert(handedBack, agent.output);
});

Deno.test("Modules: a timer of a module that ends the process is an error that belongs to no document", async () => {
  await using db = await testDatabase("exits");
  const documents = await insertPending(db, [1, 2, 3]);
  await using home = await agentHome({
    db,
    module:
      `export default async () => { setTimeout(() => Deno.exit(0), 0); await new Promise((r) => setTimeout(r, 50)); };`,
  });
  const result = await home.run("run", "--until-empty");
  assertEquals(result.code, 0, result.stderr);
  assertStringIncludes(result.stdout, "The processor called Deno.exit(0)");
  assertEquals(await documents.countDocuments({ status: "processed" }), 3);
});
