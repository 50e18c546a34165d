import { assert, assertEquals } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { testRandom } from "../support/random.ts";
import { waitFor } from "../support/wait.ts";

/**
 * Starts an agent that cannot go on loading its settings until the returned function is called: what it is to read its
 * connection string from is a pipe.
 */
async function startHeldUp(home: AgentHome, db: TestDatabase) {
  const pipe = `${home.dir}/uri`;
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  const agent = await home.start({ env: { MONGODB_URI: undefined, MONGODB_URI_FILE: pipe } });
  await agent.untilListening();
  const goOn = async () => {
    const write = new Deno.Command("timeout", {
      args: ["15", "sh", "-c", 'printf %s "$1" >"$2"', "sh", db.uri, pipe],
    });
    assertEquals((await write.output()).success, true, `nobody reads the settings:\n${agent.output}`);
  };
  return { agent, goOn };
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test(`${signal} before the settings are loaded is obeyed as soon as they are`, async () => {
    await using db = await testDatabase(`early ${signal}`);
    const documents = await insertPending(db, upTo(3));
    await using home = await agentHome({ db });
    const { agent, goOn } = await startHeldUp(home, db);
    agent.signal(signal);
    await goOn();
    assertEquals((await agent.exit()).code, 0);
    assertEquals((await agent.log("Draining")).reason, signal);
    assertEquals(
      await documents.countDocuments({ status: "pending", _pull: { $exists: false } }),
      3,
      agent.output,
    );
  });
}

Deno.test("SIGUSR1 before the settings are loaded makes the agent start paused", async () => {
  await using db = await testDatabase("early pause");
  const documents = await insertPending(db, upTo(3));
  await using home = await agentHome({ db });
  const { agent, goOn } = await startHeldUp(home, db);
  agent.signal("SIGUSR1");
  await goOn();
  await agent.untilStatus(
    "the agent to be connected and paused",
    (it) => it.state === "paused" && it.connected,
  );
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(
    await documents.countDocuments({ status: "pending", _pull: { $exists: false } }),
    3,
    agent.output,
  );
});

Deno.test("Signals: two signals before the settings are loaded end the agent all the same", async () => {
  await using db = await testDatabase("early twice");
  await using home = await agentHome({ db });
  const { agent, goOn } = await startHeldUp(home, db);
  agent.signal("SIGTERM");
  agent.signal("SIGINT");
  await goOn();
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("SIGTERM at any instant loses no document, repeats none, and leaves none in processing", async () => {
  const [rounds, together, count] = [5, 3, 2000];
  const random = testRandom();
  await using db = await testDatabase("any instant");
  const documents = await insertPending(db, upTo(count));
  await using home = await agentHome({
    db,
    module: `export default async ({ _id }) => {
      mark(String(_id));
      await new Promise((resolve) => setTimeout(resolve, _id * 7 % 20));
    };`,
    env: { BATCH_SIZE: "20", CONCURRENCY: "5" },
  });
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: together }, async (_, n) => {
      const waitMs = random() * 300;
      const agent = await home.start({ env: { HEALTH_DIR: `${home.dir}/health${n}` } });
      await agent.untilListening();
      // The instant is what this is about: after the start of the process, of the work, of the first handler ever.
      if (n === 1) await agent.log("MongoDB is in reach");
      if (n === 2) await waitFor("a first document", async () => (await home.marks()).length > 0);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      agent.signal("SIGTERM");
      const { code } = await agent.exit();
      assertEquals(code, 0, agent.output);
      assertEquals((await agent.log("Drained")).abandoned, 0);
    }));
    assertEquals(await documents.countDocuments({ status: "processing" }), 0);
  }
  const marked = (await home.marks()).map(({ text }) => Number(text));
  assertEquals(new Set(marked).size, marked.length, "no document is handed to a processor twice");
  const processed = await documents.find({ status: "processed" }).toArray();
  assertEquals(processed.map(({ _id }) => _id).sort(), marked.toSorted());
  assert(marked.length > 0 && marked.length < count, `${marked.length} of ${count} were processed`);
  const untouched = {
    status: "pending",
    "_pull.attempts": { $in: [null, 0] },
    "_pull.token": { $exists: false },
  };
  assertEquals(await documents.countDocuments(untouched as never), count - marked.length);
});
