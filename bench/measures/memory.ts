import { startAgent } from "../agent.ts";
import { type Bench, freshCollection, inRounds } from "../bench.ts";
import { fill } from "../documents.ts";
import { untilDrained } from "../drained.ts";
import { peakMib } from "../proc.ts";

const SMALL = { size: "100 B", bytes: 100, full: 50_000, quick: 1000 };
const LARGE = { size: "1 MB", bytes: 1_000_000, full: 300, quick: 10 };
/** Of the largest fixed size that is measured, 10,000 documents are held. */
const [BY_RANGES, MANY_HELD, AUTO] = [{ CLAIM_MODE: "range" }, { BATCH_SIZE: "5000" }, {
  BATCH_SIZE: "auto",
}];

const CASES: readonly (typeof SMALL & { settings: string; env: Record<string, string> })[] = [
  { ...SMALL, settings: "default", env: {} },
  { ...LARGE, settings: "default", env: {} },
  { ...SMALL, settings: "BATCH_SIZE=5000", env: MANY_HELD },
  { ...SMALL, settings: "BATCH_SIZE=auto", env: AUTO },
  { ...SMALL, settings: "CLAIM_MODE=range", env: BY_RANGES },
  { ...LARGE, settings: "CLAIM_MODE=range", env: BY_RANGES },
  { ...SMALL, settings: "CLAIM_MODE=range, BATCH_SIZE=5000", env: { ...BY_RANGES, ...MANY_HELD } },
  { ...SMALL, settings: "CLAIM_MODE=range, BATCH_SIZE=auto", env: { ...BY_RANGES, ...AUTO } },
  { ...LARGE, settings: "CLAIM_MODE=range, BATCH_SIZE=auto", env: { ...BY_RANGES, ...AUTO } },
];

/** The highest resident memory of any agent while it processed documents of one size. */
export interface MemoryResult {
  size: string;
  settings: string;
  documents: number;
  peakMib: number;
}

/** Resident memory with small and with large documents. */
export async function measureMemory(bench: Bench): Promise<MemoryResult[]> {
  const peaks = await inRounds(bench, CASES, async ({ bytes, env, full, quick, settings, size }) => {
    const documents = bench.isQuick ? quick : full;
    const collection = await freshCollection(bench, "memory");
    await fill(collection, documents, bytes);
    await using agent = await startAgent(bench, { collection: "memory", env });
    await agent.ready();
    await untilDrained(collection);
    const peak = await peakMib(agent.pid);
    bench.say(`${documents} documents of ${size}, ${settings}: ${peak.toFixed(0)} MiB`);
    await collection.drop();
    return peak;
  });
  return [...peaks].map(([{ full, quick, settings, size }, each]) => ({
    ...{ size, settings },
    documents: bench.isQuick ? quick : full,
    peakMib: Math.max(...each),
  }));
}
