/**
 * A document that ends or blocks the process of its agent each time it runs.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type AgentHome, agentHome } from "./agent_home.ts";
import type { AgentProcess } from "./agent_process.ts";
import { documentsOf, insertPending } from "./documents.ts";
import { type TestDatabase, testDatabase } from "./mongod.ts";
import { expireLeases } from "./store.ts";
import { waitFor } from "./wait.ts";

/** The `_id` of the poison. */
export const POISON = 4;
const IDS = [1, 2, 3, POISON, 5, 6, 7];
/** Crashes with neighbours in flight, and alone. */
export const CRASHES = 4;
/** Blocks its process as an endless loop does, and leaves the core to others. */
export const BLOCKED = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";

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
  db: TestDatabase,
  whilePoisonRuns: (agent: AgentProcess) => Promise<unknown>,
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
    await agent.exit();
    if (agent.hasLogged("A document runs alone")) named += 1;
    await expireLeases(documents);
  }
}

async function assertOnlyThePoisonIsDead(
  db: TestDatabase,
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

/** What runs: the poison, the limit of attempts, other settings, and what ends or kills the process meanwhile. */
export interface PoisonCase {
  /** Statements of the handler. */
  poison: string;
  maxAttempts: number;
  /** More settings. */
  env?: Record<string, string>;
  whilePoisonRuns?(agent: AgentProcess, db: TestDatabase): Promise<unknown>;
}

/** Checks that a poison becomes a dead letter after {@linkcode CRASHES} crashes, and costs its neighbours nothing. */
export async function assertPoisonDies(
  { poison, maxAttempts, env, whilePoisonRuns }: PoisonCase,
): Promise<void> {
  await using db = await testDatabase("poison");
  await insertPending(db, IDS);
  await using home = await agentHome({
    db,
    module: withPoison(poison),
    env: { MAX_ATTEMPTS: String(maxAttempts), ...env },
  });
  const crashes = await restartUntilDead(home, db, async (agent) => await whilePoisonRuns?.(agent, db));
  assertEquals(crashes, CRASHES);
  await assertOnlyThePoisonIsDead(db, home, maxAttempts);
}
