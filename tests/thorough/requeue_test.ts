import { assert, assertEquals } from "@std/assert";
import type { Status } from "../../health/status.ts";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const COUNT = 5_000;
const PATIENT = { timeoutMs: 300_000 };
const DEAD_AT = new Date(1e12);

/** Some fail again; some take so long that a requeue meets them under a lease. */
const MODULE = `export default async ({ _id }) => {
  if (_id % 100 === 0) throw Object.assign(new Error("again"), { permanent: true });
  if (_id % 100 === 1) await new Promise((done) => setTimeout(done, 2000));
};`;

Deno.test("requeue of thousands of failed documents while agents work: interrupted, killed and at a rate, it leaves no document and no letter behind, and none runs twice", async () => {
  await using db = await testDatabase("requeue many");
  const documents = documentsOf(db);
  const letters = db.db.collection<AnyDocument>("documents_dead_letters");
  const source = { database: db.name, collection: "documents" };
  for (let from = 0; from < COUNT; from += 1000) {
    const ids = Array.from({ length: 1000 }, (_, each) => from + each);
    await documents.insertMany(ids.map((_id) => ({
      _id,
      status: "failed",
      _pull: { attempts: 1, dead_at: DEAD_AT } as never,
    })));
    await letters.insertMany(ids.map((_id) => ({ _id, error: "no", attempts: 1, source, dead_at: DEAD_AT })));
  }
  const env = { CONCURRENCY: "50", LEASE_DURATION: "60" };
  await using home = await agentHome({ db, module: MODULE, env });
  await using other = await agentHome({ db, module: MODULE, env });
  const agents = [await home.startReady(), await other.startReady()];
  const old = () => documents.countDocuments({ status: "failed", "_pull.dead_at": DEAD_AT });

  const first = await home.start({ args: ["requeue", "--failed"] });
  const before = await waitFor("the start", () => / --before (\S+)/.exec(first.stderr)?.[1]);
  await waitFor("some to be done", async () => await old() < COUNT * 0.9, PATIENT);
  first.signal("SIGINT");
  assertEquals((await first.exit()).code, 130);
  const goesOn = ["requeue", "--failed", "--before", before];
  for (const share of [0.7, 0.5]) {
    const killed = await home.start({ args: goesOn });
    await waitFor("more to be done", async () => await old() < COUNT * share, PATIENT);
    await killed.kill9();
  }
  const slow = await home.runWith({ args: [...goesOn, "--rate", "200", "--limit", "200"] });
  assertEquals(slow.code, 0, slow.stderr);
  const last = await home.runWith({ args: goesOn });
  assertEquals(last.code, 0, last.stderr);
  assertEquals(await old(), 0);
  await waitFor(
    "all to be settled",
    async () => await documents.countDocuments({ status: { $in: ["processed", "failed"] } }) === COUNT,
    {
      timeoutMs: 300_000,
    },
  );
  // Those that failed again have new letters, and there is no other.
  assertEquals(await documents.countDocuments({ status: "failed" }), COUNT / 100);
  const again = await home.run("requeue", "--failed", "--before", "2002-01-01T00:00:00Z");
  assertEquals(again.code, 0, again.stderr);
  assertEquals(await letters.countDocuments({ dead_at: DEAD_AT }), 0);
  assertEquals(await letters.countDocuments(), COUNT / 100);
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
