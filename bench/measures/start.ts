import { startAgent } from "../agent.ts";
import { type Bench, freshCollection, until } from "../bench.ts";
import { median } from "../stats.ts";

const STARTS = { full: 15, quick: 2 };

const MODULE = `export default async () => {
  Deno.writeTextFileSync(new URL("first", import.meta.url).pathname, String(Date.now()));
};
`;

/** Median time from the start of the process to its first document in the handler, in milliseconds. */
export async function measureStart(bench: Bench): Promise<number> {
  const collection = await freshCollection(bench, "start");
  const times: number[] = [];
  for (let n = 0; n < (bench.isQuick ? STARTS.quick : STARTS.full); n++) {
    await collection.insertOne({ status: "pending" });
    await using agent = await startAgent(bench, { collection: "start", module: MODULE });
    // It may exist and still be empty.
    const first = await until(async () =>
      await Deno.readTextFile(`${agent.dir}/first`).catch(() => "") || undefined
    );
    times.push(Number(first) - agent.spawnedAtMs);
  }
  bench.say(`start to first document: ${median(times)} ms`);
  return median(times);
}
