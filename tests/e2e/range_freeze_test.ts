import { assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const SLOW = `import { appendFileSync } from "node:fs";
export default async (document) => {
  appendFileSync(process.env.RUNS, document._id + "\\n");
  await new Promise((resolve) => setTimeout(resolve, 50));
};
`;

Deno.test("CLAIM_MODE of range: a frozen agent loses its range, and what it writes after that changes nothing", async () => {
  await using db = await testDatabase("frozen range");
  const documents = documentsOf(db);
  await documents.insertMany(Array.from({ length: 60 }, (_, _id) => ({ _id, status: "pending" })) as never[]);
  await using home = await agentHome({
    db,
    env: { CLAIM_MODE: "range", BATCH_SIZE: "30", CONCURRENCY: "1" },
  });
  await home.write("slow.mjs", SLOW);
  const start = (place: string) =>
    home.start({
      env: {
        PROCESSOR: `module:${home.dir}/slow.mjs`,
        RUNS: `${home.dir}/runs_${place}`,
        HEALTH_DIR: `${home.dir}/health_${place}`,
      },
    });
  const frozen = await start("a");
  const runs = async (place: string) =>
    (await Deno.readTextFile(`${home.dir}/runs_${place}`).catch(() => "")).split("\n").filter(Boolean).map(
      Number,
    );
  await waitFor("a run", async () => (await runs("a")).length > 2);
  frozen.signal("SIGSTOP");
  const other = await start("b");
  const processed = () => documents.countDocuments({ status: "processed" });
  await waitFor("the other agent to process all", async () => await processed() === 60, {
    timeoutMs: 120_000,
  });
  const before = await documents.find().sort({ _id: 1 }).toArray();
  frozen.signal("SIGCONT");
  frozen.signal("SIGTERM");
  assertEquals((await frozen.exit()).code, 0, frozen.output);
  other.signal("SIGTERM");
  assertEquals((await other.exit()).code, 0, other.output);
  assertEquals(await documents.find().sort({ _id: 1 }).toArray(), before);
  // Each is run by one agent, and by the other only if the frozen one held it.
  const [a, b] = [await runs("a"), await runs("b")];
  assertEquals(new Set([...a, ...b]).size, 60);
  assertEquals([a.length, b.length], [new Set(a).size, new Set(b).size]);
  const ranges = await db.db.collection<AnyDocument>("documents_agents").findOne({ _id: "ranges" });
  assertEquals(ranges.ranges, []);
});
