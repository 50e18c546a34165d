import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome, CALM } from "../support/agent_home.ts";
import { Guarded } from "../support/guarded.ts";
import { waitFor } from "../support/wait.ts";

const MISSING = 'not authorized on shop to execute command { update: "documents", ... }: ' +
  "grant the user update on shop.documents, as the role readWrite on shop does";

Deno.test("run of a user that may only read says as an ERROR which right is missing and is not ready; a Job gives up after a minute", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password", "read");
  await guarded.insert("one");
  const db = { uri: guarded.uri("password"), name: "shop" };
  await using home = await agentHome({ db, env: CALM });
  await using job = await agentHome({ db, env: CALM });
  const ending = await job.start({ args: ["run", "--until-empty"] });
  const agent = await home.start();
  const { level, error } = await agent.log("Cannot claim documents");
  assertEquals([level, error], ["ERROR", MISSING]);
  await agent.untilStatus("the right in the status", (status) => status.last_error?.message === MISSING);
  assert(!await home.probe("readiness"));
  assert(await home.probe("liveness"));

  assertEquals((await ending.exit()).code, 1, ending.output);
  const last = await ending.log("Gave up before nothing was left");
  assertEquals([last.level, last.error], ["ERROR", MISSING]);
  assertStringIncludes(
    ending.entries.find(({ message }) => message === "Cannot claim documents")!.level,
    "ERROR",
  );

  await guarded.changeRole("readWrite");
  await guarded.untilProcessed("one");
  await agent.untilReady();
});

Deno.test("run whose user loses the right to write while it works says so of outcomes, is not ready, and loses nothing", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password");
  for (const id of ["one", "two"]) await guarded.insert(id);
  const db = { uri: guarded.uri("password"), name: "shop" };
  const module = `export default async () => {
    mark("run");
    while (!await Deno.stat(Deno.env.get("MARKS") + "-go").catch(() => false)) await new Promise((done) => setTimeout(done, 20));
  };`;
  await using home = await agentHome({ db, module, env: { LEASE_DURATION: "60" } });
  const agent = await home.startReady();
  await waitFor("both to run", async () => (await home.marks()).length === 2);
  await guarded.changeRole("read");
  await Deno.writeTextFile(`${home.marksFile}-go`, "");
  const { level, error } = await agent.log("Cannot write the outcome (ack), trying again");
  assertEquals([level, error], ["ERROR", MISSING]);
  await home.untilNotReady();
  await guarded.changeRole("readWrite");
  for (const id of ["one", "two"]) await guarded.untilProcessed(id);
  await agent.untilReady();
  assertEquals((await home.marks()).length, 2);
});
