import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { lettersOf } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { testRandom } from "../support/random.ts";
import { waitFor } from "../support/wait.ts";
import { RUN_LOG } from "../witness/run_log.ts";
import { tableOf } from "../witness/table.ts";
import { Witness } from "../witness/witness.ts";

const COUNT = 2000;
const ENDED = 25;
const LEASE_MS = 60_000;
const PATIENT = { timeoutMs: 300_000 };
const SELECTED = ["--all", "--limit", String(2 * COUNT)];

/** One in two fails for good, until a file says that all is mended. */
const MODULE = `${RUN_LOG}
const isMended = () => { try { Deno.statSync(Deno.env.get("MENDED")); return true; } catch { return false; } };
export default witnessed(() => {
  if (Math.random() < 0.5 && !isMended()) throw Object.assign(new Error("broken"), { permanent: true });
});`;

Deno.test("dead-letters redrive that is killed and interrupted again and again, while agents work and documents fail again, loses no document and no letter, and none runs twice", async () => {
  const random = testRandom();
  await using db = await testDatabase("redrive kills");
  const documents = documentsOf(db);
  const letters = lettersOf(db);
  await using home = await agentHome({ db, module: MODULE });
  await using witness = await Witness.start({
    ...{ uri: db.uri, dir: home.dir, database: db.name, collection: "documents" },
    ...{ leaseMs: LEASE_MS, maxAttempts: 3 },
  });
  const mended = `${home.dir}/mended`;
  const settings = {
    ...{ BREAKER_THRESHOLD: "0", LEASE_DURATION: String(LEASE_MS / 1000), MAX_ATTEMPTS: "3" },
    ...{ MENDED: mended, WITNESS_RUNS: witness.runsFile },
  };
  const start = async (name: string) =>
    await home.start({ env: { ...settings, AGENT_NAME: name, HEALTH_DIR: `${home.dir}/${name}` } });
  const agents = [await start("one"), await start("two")];
  await documents.insertMany(Array.from({ length: COUNT }, (_, _id) => ({ _id, status: "pending" })));
  const untilSettled = async () => {
    await waitFor(
      "all to be settled",
      async () => await documents.countDocuments({ status: { $in: ["pending", "processing"] } }) === 0,
      PATIENT,
    );
  };
  await untilSettled();
  let [killed, signalled, redriven] = [0, 0, 0];
  for (let round = 0; killed + signalled < ENDED; round++) {
    const failed = await documents.countDocuments({ status: "failed" });
    if (failed < 300) {
      const some = Array.from({ length: COUNT }, (_, at) => ({
        _id: (round + 1) * COUNT + at,
        status: "pending",
      }));
      await documents.insertMany(some);
      await untilSettled();
    }
    const command = await home.start({ args: ["dead-letters", "redrive", ...SELECTED] });
    const before = await letters.countDocuments();
    // From when it has begun to write.
    await waitFor("letters to go", async () => command.ended || await letters.countDocuments() < before, {
      everyMs: 1,
    });
    await new Promise((resolve) => setTimeout(resolve, random() * 40));
    if (command.ended) continue;
    const isKill = random() < 0.7;
    command.signal(isKill ? "SIGKILL" : "SIGINT");
    const { code } = await command.exit();
    if (code === 0) redriven += 1;
    else if (isKill) killed += 1;
    else signalled += 1;
  }
  await untilSettled();
  await Deno.writeTextFile(mended, "");
  const last = await home.run("dead-letters", "redrive", ...SELECTED);
  assertEquals(last.code, 0, last.stderr);
  await untilSettled();
  for (const [at, agent] of agents.entries()) {
    witness.stopped(["one", "two"][at]!);
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0, agent.stderr);
  }
  assertEquals([
    await documents.countDocuments({ status: { $ne: "processed" } }),
    await letters.countDocuments(),
  ], [
    0,
    0,
  ]);
  const verdict = await witness.finish();
  console.log(`${killed} killed, ${signalled} interrupted, ${redriven} came to their end first`);
  assert(verdict.ok, tableOf(verdict));
  assertEquals(verdict.counts["doubles, without an excuse"], 0);
  assert(killed > 0 && signalled > 0);
});
