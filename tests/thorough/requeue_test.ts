import { assert, assertEquals } from "@std/assert";
import type { Status } from "../../health/status.ts";
import { chunks } from "../../agent/lib/chunks.ts";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { DEAD_AT, insertFailed, lettersOf } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const COUNT = 100_000;
/** One of so many documents fails again, and one is slow. */
const RARE = 1000;
const PATIENT = { timeoutMs: 300_000 };

/** Some fail again; some take so long that a requeue meets them under a lease. */
const MODULE = `export default async ({ _id }) => {
  if (_id % ${RARE} === 0) throw Object.assign(new Error("again"), { permanent: true });
  if (_id % ${RARE} === 1) await new Promise((done) => setTimeout(done, 2000));
};`;

Deno.test("requeue of 100,000 failed documents while agents work: interrupted, killed and at a rate, it leaves no document and no letter behind, and none runs twice", async () => {
  await using db = await testDatabase("requeue many");
  const documents = documentsOf(db);
  const letters = lettersOf(db);
  const ids = Array.from({ length: COUNT }, (_, id) => id);
  for await (const some of chunks(ids, 5000)) await insertFailed(db, some);
  const env = { CONCURRENCY: "50", LEASE_DURATION: "60" };
  await using home = await agentHome({ db, module: MODULE, env });
  await using other = await agentHome({ db, module: MODULE, env });
  const agents = [await home.startReady(), await other.startReady()];
  const old = { status: "failed", "_pull.dead_at": DEAD_AT };
  const progressOf = (command: { stderr: string }) =>
    Math.max(
      0,
      ...command.stderr.matchAll(/^(\d+) of \d+ requeued so far$/gm).map(([, done]) => Number(done)),
    );

  const all = ["requeue", "--failed", "--limit", String(COUNT)];
  const first = await home.start({ args: all });
  await waitFor("some to be done", () => progressOf(first) > 0, PATIENT);
  first.signal("SIGINT");
  assertEquals((await first.exit()).code, 130);
  const [, interrupted] = /^(\d+) of 100000 requeued before SIGINT$/m.exec(first.stderr)!;
  assertEquals(await documents.countDocuments(old), COUNT - Number(interrupted));
  const before = / --before (\S+)/.exec(first.stderr)![1]!;
  const goesOn = [...all, "--before", before];
  for (const part of [1, 2]) {
    const killed = await home.start({ args: goesOn });
    await waitFor(`more to be done (${part})`, () => progressOf(killed) > 0, PATIENT);
    await killed.kill9();
  }
  const slow = await home.runWith({
    args: ["requeue", "--failed", "--before", before, "--rate", "200", "--limit", "200"],
  });
  assertEquals(slow.code, 0, slow.stderr);
  const last = await home.runWith({ args: goesOn });
  assertEquals(last.code, 0, last.stderr);
  assertEquals(await documents.countDocuments(old), 0);
  await waitFor(
    "all to be settled",
    async () => await documents.findOne({ status: { $in: ["pending", "processing"] } }) === null,
    PATIENT,
  );
  // Those that failed again have new letters, and there is no other.
  assertEquals(await documents.countDocuments({ status: "failed" }), COUNT / RARE);
  const again = await home.run("requeue", "--failed", "--before", "2002-01-01T00:00:00Z");
  assertEquals(again.code, 0, again.stderr);
  assertEquals(await letters.countDocuments({ dead_at: DEAD_AT }), 0);
  assertEquals(await letters.countDocuments(), COUNT / RARE);
  const counts: Status["counters"][] = [];
  for (const [at, agent] of agents.entries()) {
    assert(!agent.hasLogged("Lost the lease"));
    counts.push((await agent.status()).counters);
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0, `agent ${at}`);
  }
  const sum = (name: "claimed" | "takeovers") => counts.reduce((all, each) => all + each[name], 0);
  assertEquals([sum("claimed"), sum("takeovers")], [COUNT, 0]);
});
