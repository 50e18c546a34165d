import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";
import { RUN_LOG } from "../witness/run_log.ts";
import { tableOf } from "../witness/table.ts";
import { Witness } from "../witness/witness.ts";

/** Each kind of document does what its name says. */
const MODULE = `${RUN_LOG}
const DO = {
  good: () => {},
  writing: ({ _id }) => ({ writes: [{ collection: "effects", insertOne: { of: _id } }] }),
  flaky: (_, { attempt }) => { if (attempt < 3) throw new Error("not yet"); },
  hopeless: () => { throw Object.assign(new Error("hopeless"), { permanent: true }); },
  failing: () => { throw new Error("never"); },
  sleepy: (_, { snoozes }) => snoozes < 2 ? { snoozeMs: 20 } : undefined,
  saving: async (_, { attempt, checkpoint, saved }) => {
    if (attempt < 2) { await checkpoint({ at: 1 }); checkpoint({ at: 2 }); throw new Error("later"); }
    if (saved?.at !== 2) throw new Error("lost");
  },
  slow: () => Deno.env.get("AGENT_NAME") === "first" ? new Promise(() => {}) : undefined,
  stubborn: () => Deno.env.get("AGENT_NAME") === "forced" ? new Promise(() => mark("stubborn")) : undefined,
  poison: () => { mark("poison"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); },
};
export default witnessed((document, context) => DO[document.kind](document, context));`;

const KINDS = ["good", "writing", "flaky", "hopeless", "failing", "sleepy", "saving", "slow"];

for (const CLAIM_MODE of ["document", "range"]) {
  Deno.test(`Witness: a run with retries, dead letters, takeovers, suspects, writes, snoozes, checkpoints and commands has no breach with CLAIM_MODE=${CLAIM_MODE}`, async () => {
    await using db = await testDatabase("witness");
    await db.db.createCollection("effects");
    await using home = await agentHome({
      db,
      module: MODULE,
      env: {
        CLAIM_MODE,
        MAX_ATTEMPTS: "3",
        CONCURRENCY: "20",
        SHUTDOWN_TIMEOUT: "1",
        BREAKER_THRESHOLD: "0",
        LEASE_DURATION: "4",
      },
    });
    await using witness = await Witness.start({
      uri: db.uri,
      dir: home.dir,
      database: db.name,
      collection: "documents",
      effects: [{ collection: "effects", of: "of" }],
      leaseMs: 4000,
      maxAttempts: 3,
    });
    const documents = documentsOf(db);
    const all = Array.from({ length: 10 * KINDS.length }, (_, _id) => ({
      _id,
      kind: KINDS[_id % KINDS.length],
      status: "pending",
    }));
    await documents.insertMany(all);
    const start = (AGENT_NAME: string) => home.start({ env: { AGENT_NAME, WITNESS_RUNS: witness.runsFile } });
    const stop = async (agent: AgentProcess, name: string) => {
      witness.stopped(name);
      agent.signal("SIGTERM");
      await agent.exit();
    };
    const marked = (word: string, count: number) =>
      waitFor(`${count} marks ${word}`, async () => {
        return (await home.marks()).filter(({ text }) => text === word).length >= count;
      });
    const allSettled = () =>
      waitFor("all to be settled", async () => {
        return await documents.countDocuments({ status: { $in: ["pending", "processing"] } }) === 0;
      });
    const first = await start("first");
    await waitFor("all but the slow ones", async () => {
      const counts = await documents.countDocuments({ status: { $in: ["processed", "failed"] } });
      return counts === 10 * (KINDS.length - 1);
    });
    await first.kill9();
    witness.killed("first");
    assertEquals((await home.run("dead-letters", "redrive", "--filter", '{"error": "hopeless"}')).code, 0);
    assertEquals((await home.run("requeue", "--id", "0")).code, 0);
    await documents.insertOne({
      _id: 1000,
      kind: "good",
      status: "pending",
      _pull: { visible_at: new Date(4e12) },
    });
    assertEquals((await home.run("cancel", "1000")).code, 0);
    const second = await start("second");
    await allSettled();
    await stop(second, "second");
    await documents.insertMany(
      [1002, 1003, 1004].map((_id) => ({ _id, kind: "stubborn", status: "pending" })),
    );
    const forced = await start("forced");
    await marked("stubborn", 3);
    await stop(forced, "forced");
    let agent = await start("poisoned 0");
    await allSettled();
    await documents.insertOne({ _id: 1001, kind: "poison", status: "pending" });
    for (let count = 1; count <= 4; count++) {
      await marked("poison", count);
      await agent.kill9();
      witness.killed(`poisoned ${count - 1}`);
      agent = await start(`poisoned ${count}`);
    }
    await waitFor(
      "the poison",
      async () => await documents.countDocuments({ _id: 1001, status: "failed" }) === 1,
    );
    await stop(agent, "poisoned 4");
    const verdict = await witness.finish();
    assert(verdict.ok, tableOf(verdict));
    const { counts } = verdict;
    assertEquals([counts["documents inserted"], counts["documents failed"], counts["stale letters"]], [
      85,
      21,
      0,
    ]);
    assertEquals([counts["steps: release"], counts["released in a run"]], [3, 3]);
    // Ten slow documents of the first agent, and the poison four times.
    assertEquals(counts["doubles, killed"], 14);
  });
}
