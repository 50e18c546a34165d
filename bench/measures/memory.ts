import { startAgent } from "../agent.ts";
import { type Bench, freshCollection, inRounds } from "../bench.ts";
import { fill } from "../documents.ts";
import { untilDrained } from "../drained.ts";
import { peakMib } from "../proc.ts";

const CASES = [
  { name: "100 B", bytes: 100, full: 50_000, quick: 1000 },
  { name: "1 MB", bytes: 1_000_000, full: 300, quick: 10 },
];

/** The highest resident memory of any agent while it processed documents of one size, at default settings. */
export interface MemoryResult {
  size: string;
  documents: number;
  peakMib: number;
}

/** Resident memory with small and with large documents. */
export async function measureMemory(bench: Bench): Promise<MemoryResult[]> {
  const peaks = await inRounds(bench, CASES, async ({ name, bytes, full, quick }) => {
    const documents = bench.isQuick ? quick : full;
    const collection = await freshCollection(bench, "memory");
    await fill(collection, documents, bytes);
    await using agent = await startAgent(bench, { collection: "memory" });
    await agent.ready();
    await untilDrained(collection);
    const peak = await peakMib(agent.pid);
    bench.say(`${documents} documents of ${name}: ${peak.toFixed(0)} MiB`);
    await collection.drop();
    return peak;
  });
  return [...peaks].map(([{ name, full, quick }, each]) => ({
    size: name,
    documents: bench.isQuick ? quick : full,
    peakMib: Math.max(...each),
  }));
}
