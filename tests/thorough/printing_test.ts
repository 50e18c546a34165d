import { assertEquals } from "@std/assert";
import { type AgentHome, agentHome, type CommandResult } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";

/** Ways to lose what is printed; `$0` is a path for a pipe, whose reader does not read and which is full. */
const FULL_PIPE = 'mkfifo "$0"; exec 3<>"$0"; head -c 65536 /dev/zero >&3;';
const LOSSES: Record<string, string> = {
  "both on a full disk": '"$@" >/dev/full 2>/dev/full',
  "both closed": '"$@" >&- 2>&-',
  "standard error a full pipe without reader": `${FULL_PIPE} "$@" 2>&3`,
};

async function lost(home: AgentHome, loss: string, ...args: string[]): Promise<CommandResult> {
  const pipe = `${home.dir}/pipe-${crypto.randomUUID()}`;
  return await home.runWith({ args, wrapper: ["sh", "-c", LOSSES[loss]!, pipe] });
}

for (const loss of Object.keys(LOSSES)) {
  Deno.test(`dead-letters, pause and resume do their work and exit with 0, with ${loss}`, async () => {
    await using db = await testDatabase("printing");
    const documents = await insertPending(db, upTo(25));
    await using home = await agentHome({
      db,
      module: "export default () => { throw new Error('broken'); };",
      env: { BREAKER_THRESHOLD: "0", MAX_ATTEMPTS: "1" },
    });
    const agent = await home.startReady();
    await agent.untilStatus("25 dead letters", ({ counters }) => counters.dead_lettered === 25);
    assertEquals((await lost(home, loss, "pause")).code, 0);
    assertEquals((await agent.status()).state, "paused");
    assertEquals((await lost(home, loss, "dead-letters", "redrive", "--id", "1")).code, 0);
    assertEquals(await documents.countDocuments({ status: "pending" }), 1);
    assertEquals((await lost(home, loss, "dead-letters", "redrive", "--id", "1", "--id", "2")).code, 1);
    assertEquals((await lost(home, loss, "dead-letters", "redrive", "--all")).code, 0);
    assertEquals(await documents.countDocuments({ status: "pending" }), 25);
    assertEquals((await lost(home, loss, "resume")).code, 0);
    await agent.untilStatus("a run", ({ state }) => state === "running");
  });

  Deno.test(`check and run exit as they do otherwise, with ${loss}`, async () => {
    const printing = "for (let i = 0; i < 9; i++) console.error('x'.repeat(1e5));";
    await using home = await agentHome({
      db: { uri: "mongodb://127.0.0.1:1/", name: "none" },
      module: "export default () => {};",
    });
    assertEquals((await lost(home, loss, "check")).code, 0);
    await home.write("processor.js", `${printing} throw new Error("broken");`);
    // Its module has said more than a pipe holds before the start was given up.
    assertEquals((await lost(home, loss, "run")).code, 2);
    assertEquals((await lost(home, loss, "nonsense")).code, 2);
  });
}
