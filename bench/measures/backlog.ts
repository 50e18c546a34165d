import { type BenchAgent, startAgent } from "../agent.ts";
import { type Bench, freshCollection, settle, until } from "../bench.ts";
import { fill } from "../documents.ts";
import { mean } from "../stats.ts";

const BACKLOGS = { full: [1000, 100_000, 2_000_000], quick: [1000, 20_000] };
const BYTES = 100;
/** Claims that are looked at for each backlog. */
const CLAIMS = { full: 100, quick: 10 };

/** How long claims took while so many documents waited. */
export interface BacklogResult {
  backlog: number;
  /** Mean time of a claim of 100 documents, in milliseconds. */
  claimMs: number;
  claims: number;
}

/** Whether a claim takes longer the more documents wait: one agent, the same all the time, at default settings. */
export async function measureBacklog(bench: Bench): Promise<BacklogResult[]> {
  const collection = await freshCollection(bench, "backlog");
  const env = { LOG_LEVEL: "DEBUG", LOG_FORMAT: "json" };
  await using agent = await startAgent(bench, {
    collection: "backlog",
    env,
    isPaused: true,
    stdout: "piped",
  });
  const log = new ClaimLog(agent);
  await agent.ready();
  const wanted = bench.isQuick ? CLAIMS.quick : CLAIMS.full;
  /** Fills the collection while the agent is paused, lets it make `claims` claims, and returns how long they took. */
  const round = async (backlog: number, claims: number): Promise<number[]> => {
    await collection.deleteMany({});
    await fill(collection, backlog, BYTES);
    await settle(bench);
    const from = log.claims.length;
    await agent.resume();
    await until(() => Promise.resolve(log.claims.length >= from + claims));
    await agent.pause();
    await until(async () => (await agent.status())?.held.documents === 0);
    return log.claims.slice(from, from + claims);
  };
  await round(5000, 20);
  const results: BacklogResult[] = [];
  for (const backlog of bench.isQuick ? BACKLOGS.quick : BACKLOGS.full) {
    const claims: number[] = [];
    // The first claim of a round comes right after a pause, and the last may find less than it wants.
    const perRound = Math.min(wanted, backlog / 100 - 1);
    while (claims.length < wanted) claims.push(...(await round(backlog, perRound)).slice(1));
    bench.say(`backlog of ${backlog}: ${mean(claims).toFixed(2)} ms a claim`);
    results.push({ backlog, claimMs: mean(claims), claims: claims.length });
  }
  return results;
}

/** Follows the agent's log: how long each claim of a hundred documents took, in milliseconds. */
class ClaimLog {
  readonly claims: number[] = [];

  constructor({ child }: BenchAgent) {
    this.#follow(child.stdout);
  }

  async #follow(stdout: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const { message, documents, elapsedMs } = JSON.parse(line);
        if (message === "Claimed documents" && documents === 100) this.claims.push(elapsedMs);
      }
    }
  }
}
