import { assert, assertEquals } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { documentsOf, insertPending } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { expireLeases } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const POISON = 4;
const IDS = [1, 2, 3, POISON, 5, 6, 7];
/** Crashes with neighbours in flight, and alone. */
const CRASHES = 4;
/** Blocks its process as an endless loop does, and leaves the core to others. */
const BLOCKED = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";

/** A processor whose neighbours are still busy when the poison does its work. */
const withPoison = (poison: string) => `
export default async ({ _id }) => {
  mark("start " + _id);
  if (_id === ${POISON}) { ${poison} }
  await new Promise((resolve) => setTimeout(resolve, 30));
  mark("end " + _id);
};`;

/** Restarts the agent as often as it ends, and lets its leases expire at once, until the poison is a dead letter. */
async function restartUntilDead(
  home: AgentHome,
  db: Awaited<ReturnType<typeof testDatabase>>,
  whilePoisonRuns: (agent: AgentProcess) => Promise<unknown> = () => Promise.resolve(),
): Promise<number> {
  const documents = documentsOf(db);
  const starts = async () => (await home.marks()).filter(({ text }) => text === `start ${POISON}`).length;
  let named = 0;
  for (let crashes = 0;; crashes++) {
    if (crashes > CRASHES) throw new Error(`The poison ended ${crashes} processes`);
    const before = await starts();
    const agent = await home.start();
    const isDead = async () => await documents.countDocuments({ _id: POISON, status: "failed" }) === 1;
    await waitFor(
      "the poison to run or to be a dead letter",
      async () => agent.ended || await starts() > before || await isDead(),
      { timeoutMs: 30_000 },
    );
    if (await starts() === before && await isDead()) {
      await waitFor(
        "its neighbours to be processed",
        async () => await documents.countDocuments({ status: "processed" }) === IDS.length - 1,
      );
      agent.signal("SIGTERM");
      assertEquals((await agent.exit()).code, 0);
      assertEquals(named, 2, "the log of each agent that ran it alone names it");
      return crashes;
    }
    await whilePoisonRuns(agent);
    await agent.exit({ timeoutMs: 60_000 });
    if (agent.hasLogged("A document runs alone")) named += 1;
    await expireLeases(documents);
  }
}

async function assertOnlyThePoisonIsDead(
  db: Awaited<ReturnType<typeof testDatabase>>,
  home: AgentHome,
  maxAttempts: number,
): Promise<void> {
  const documents = await documentsOf(db).find().sort({ _id: 1 }).toArray();
  assertEquals(
    documents.map(({ _id, status }) => [_id, status]),
    IDS.map((id) => [id, id === POISON ? "failed" : "processed"]),
  );
  for (const { _pull } of documents) assert(_pull!.attempts! <= maxAttempts, `${_pull!.attempts} attempts`);
  const letters = await db.db.collection("documents_dead_letters").find().toArray();
  assertEquals(letters.map(({ _id }) => _id as unknown), [POISON]);
  assert(/ended or froze 2 times/.test(letters[0]!.error), letters[0]!.error);
  // The last two times nothing else was in flight: what had been started in that process had ended.
  const marks = await home.marks();
  const last = marks.filter(({ text }) => text === `start ${POISON}`).slice(-2);
  for (const { pid } of last) {
    const own = marks.filter((mark) => mark.pid === pid).map(({ text }) => text);
    const open = own.filter((text) =>
      text.startsWith("start") && !own.includes(text.replace("start", "end"))
    );
    assertEquals(open, [`start ${POISON}`]);
  }
}

const KILL = (agent: AgentProcess) => agent.kill9();

for (
  const [maxAttempts, what, poison, whilePoisonRuns] of [
    [
      1,
      "exhausts the heap by many arrays",
      "const all = []; for (;;) all.push(new Array(100_000).fill(all.length + 0.5));",
    ],
    // As the kernel does when the memory of a container is exhausted.
    [2, "has its process killed", BLOCKED, KILL],
    [3, "has its process killed", BLOCKED, KILL],
    // One value: V8 takes a second to give up over it.
    [5, "exhausts the heap by one array", "Array.from({ length: 2 ** 25 }, (_, n) => n + 0.5);"],
  ] as const
) {
  Deno.test(`Suspects: a document that ${what} is a dead letter after ${CRASHES} crashes, with MAX_ATTEMPTS ${maxAttempts}, and its neighbours are processed`, async () => {
    await using db = await testDatabase("poison");
    await insertPending(db, IDS);
    const env = { MAX_ATTEMPTS: String(maxAttempts), LEASE_DURATION: "30" };
    await using home = await agentHome({ db, module: withPoison(poison), env });
    assertEquals(await restartUntilDead(home, db, whilePoisonRuns), CRASHES);
    await assertOnlyThePoisonIsDead(db, home, maxAttempts);
  });
}

Deno.test("Suspects: a document that blocks its process until the process is killed becomes a dead letter", async () => {
  await using db = await testDatabase("poison loop");
  const documents = await insertPending(db, IDS);
  await using home = await agentHome({ db, module: withPoison(BLOCKED) });
  const crashes = await restartUntilDead(home, db, async (agent) => {
    // Nothing renews the lease of a process that is blocked.
    await waitFor(
      "its lease to expire",
      async () =>
        await documents.countDocuments({ _id: POISON, $expr: { $lt: ["$_pull.visible_at", "$$NOW"] } }) === 1,
    );
    await agent.kill9();
  });
  assertEquals(crashes, CRASHES);
  await assertOnlyThePoisonIsDead(db, home, 5);
});
