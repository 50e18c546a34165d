import type { Collection } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { startAgent } from "../agent.ts";
import { type Bench, freshCollection, inRounds, until } from "../bench.ts";
import { quantile } from "../stats.ts";

/** Inserts of a round that are measured. */
const PROBES = { full: 120, quick: 10 };
/** Under load, this many other documents are inserted every 50 ms. */
const LOAD = 50;
const LOAD_EVERY_MS = 50;
/** The poll interval of the agent: the latency at the default of 5 s can be calculated from it. */
const POLL_INTERVAL_MS = 1000;

/** Logs how long ago each document of the measurement was inserted. */
const MODULE = `const file = new URL("latencies", import.meta.url).pathname;
export default async ({ sentAt }) => {
  if (sentAt === undefined) return;
  const ms = performance.timeOrigin + performance.now() - sentAt;
  Deno.writeTextFileSync(file, ms + "\\n", { append: true });
};
`;

/** How long after its insertion a single document was in its handler, in milliseconds. */
export interface LatencyResult {
  wakeUp: "change stream" | "polling";
  load: "idle" | "under load";
  claims: "document" | "range";
  p50: number;
  p99: number;
  documents: number;
}

type Case = Pick<LatencyResult, "wakeUp" | "load" | "claims">;

const CASES: readonly Case[] = [
  { wakeUp: "change stream", load: "idle", claims: "document" },
  { wakeUp: "change stream", load: "under load", claims: "document" },
  { wakeUp: "change stream", load: "idle", claims: "range" },
  { wakeUp: "change stream", load: "under load", claims: "range" },
  { wakeUp: "polling", load: "idle", claims: "document" },
  { wakeUp: "polling", load: "under load", claims: "document" },
];

/** Pick-up latency of single inserts at random moments, over all rounds. */
export async function measureLatency(bench: Bench): Promise<LatencyResult[]> {
  const rounds = await inRounds(bench, CASES, async (each) => {
    const latencies = await measure(bench, each);
    const [p50, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
    bench.say(
      `pick-up, ${Object.values(each).join(", ")}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    );
    return latencies;
  });
  return [...rounds].map(([of, each]) => {
    const latencies = each.flat();
    const [p50, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
    return { ...of, p50, p99, documents: latencies.length };
  });
}

async function measure(bench: Bench, { claims, load, wakeUp }: Case): Promise<number[]> {
  const collection = await freshCollection(bench, "latency");
  const polling = { CHANGE_STREAM: "off", POLL_INTERVAL: `${POLL_INTERVAL_MS}ms` };
  const env: Record<string, string> = { CLAIM_MODE: claims, ...wakeUp === "polling" && polling };
  await using agent = await startAgent(bench, { collection: "latency", module: MODULE, env });
  await agent.ready();
  const file = `${agent.dir}/latencies`;
  const count = bench.isQuick ? PROBES.quick : PROBES.full;
  // The first ones warm everything up, and show that the change stream is open.
  const warmUp = bench.isQuick ? 2 : 20;
  const others = load === "under load" ? new Load(collection) : undefined;
  try {
    for (let n = 0; n < warmUp + count; n++) {
      await collection.insertOne({ status: "pending", sentAt: performance.timeOrigin + performance.now() });
      await sleep(systemClock, 20 + Math.random() * 80);
    }
    const lines = await until(async () => {
      const found = (await Deno.readTextFile(file).catch(() => "")).trimEnd().split("\n");
      return found.length === warmUp + count && found;
    }, { limitMs: 60_000 });
    return lines.slice(warmUp).map(Number);
  } finally {
    await others?.stop();
  }
}

/** A stream of other documents. */
class Load {
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(collection: Collection) {
    this.#running = this.#run(collection);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(collection: Collection): Promise<void> {
    while (!this.#isOver) {
      await collection.insertMany(Array.from({ length: LOAD }, () => ({ status: "pending" })));
      await sleep(systemClock, LOAD_EVERY_MS);
    }
  }
}
