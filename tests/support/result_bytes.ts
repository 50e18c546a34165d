/**
 * Results whose bytes would exhaust the heap if an agent held all of them.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { agentHome } from "./agent_home.ts";
import { insertPending, upTo } from "./documents.ts";
import { testDatabase } from "./mongod.ts";
import { readProc } from "./proc.ts";

/** Makes a text of so many MiB, of its own for each document. */
export const TEXT =
  `const text = (id, mib) => { const part = String(id).padStart(8, "0").repeat(mib * 131_072); return part; };`;

/** Checks that an agent never needed more than a container of 512 MiB has to give. */
export async function checkPeak(pid: number): Promise<void> {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(await readProc(`/proc/${pid}/status`));
  const peakMib = Number(peak![1]) / 1024;
  assert(peakMib < 450, `${peakMib} MiB at the peak`);
}

/** Eighty results of 4 MiB each. */
export async function drainLargeResults({ concurrency }: { concurrency: number }): Promise<void> {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(80));
  await using home = await agentHome({
    db,
    module: `${TEXT} export default async ({ _id }) => ({ set: { text: text(_id, 4) } });`,
    env: { CONCURRENCY: String(concurrency), LEASE_DURATION: "60" },
  });
  const agent = await home.start();
  await agent.untilSettled(80);
  assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), 80);
  await checkPeak(agent.pid);
}

/** So many handlers return 15 MiB each before the weight of any result is known. */
export async function drainBurst({ handlers }: { handlers: number }): Promise<void> {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(handlers));
  await using home = await agentHome({
    db,
    // They make their results one after the other: what is held of them, the agent holds.
    module: `${TEXT} export default async ({ _id }) => {
      mark(_id);
      await new Promise((resolve) => setTimeout(resolve, 500 + 10 * Number(_id)));
      return { set: { text: text(_id, 15) } };
    };`,
    env: { CONCURRENCY: "100", LEASE_DURATION: "60" },
  });
  const agent = await home.start();
  await agent.untilSettled(handlers, { timeoutMs: 240_000 });
  assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), handlers);
  const { level } = await agent.log("Released documents whose results found no room in memory");
  assertEquals(level, "WARNING");
}
