import type { Collection } from "mongodb";
import { type BenchAgent, startAgent } from "../agent.ts";
import { type Bench, freshCollection, inRounds, settle, until } from "../bench.ts";
import { fill } from "../documents.ts";
import { mean, median } from "../stats.ts";

const BACKLOGS = { full: [1000, 100_000, 2_000_000], quick: [1000, 20_000] };
const BYTES = 100;
/** Claims of a turn: the smallest backlog has no more documents than these need. */
const CLAIMS = 8;
/** Turns of each backlog in a round. */
const TURNS = { full: 5, quick: 2 };

/** How long claims took while this many documents waited. */
export interface BacklogResult {
  backlog: number;
  /** Time of a claim of 100 documents in milliseconds: the mean of a round, and the median of the rounds. */
  claimMs: number;
  claims: number;
}

/**
 * Whether a claim takes longer if more documents wait. There is an agent for each backlog, at default settings, and the
 * agents take turns.
 */
export async function measureBacklog(bench: Bench): Promise<BacklogResult[]> {
  await using stack = new AsyncDisposableStack();
  const backlogs: Backlog[] = [];
  for (const size of bench.isQuick ? BACKLOGS.quick : BACKLOGS.full) {
    const backlog = await Backlog.prepare(bench, size);
    backlogs.push(stack.use(backlog));
    // The first claims of an agent run code that is not compiled yet.
    await backlog.turn(bench);
  }
  const rounds = await inRounds(bench, backlogs, async (backlog, round) => {
    const claims: number[] = [];
    for (let n = 0; n < (bench.isQuick ? TURNS.quick : TURNS.full); n++) {
      claims.push(...await backlog.turn(bench));
    }
    bench.say(`round ${round}: backlog of ${backlog.size}: ${mean(claims).toFixed(2)} ms a claim`);
    return claims;
  });
  return [...rounds].map(([{ size }, each]) => ({
    backlog: size,
    claimMs: median(each.map(mean)),
    claims: each.flat().length,
  }));
}

/** So many documents that wait, and the agent that claims from them. */
class Backlog implements AsyncDisposable {
  readonly size: number;
  readonly #collection: Collection;
  readonly #agent: BenchAgent;
  readonly #log: ClaimLog;

  private constructor(size: number, collection: Collection, agent: BenchAgent) {
    this.size = size;
    this.#collection = collection;
    this.#agent = agent;
    this.#log = new ClaimLog(agent);
  }

  static async prepare(bench: Bench, size: number): Promise<Backlog> {
    const name = `backlog_${size}`;
    const collection = await freshCollection(bench, name);
    const env = { LOG_LEVEL: "DEBUG", LOG_FORMAT: "json" };
    const agent = await startAgent(bench, { collection: name, env, isPaused: true, stdout: "piped" });
    const backlog = new Backlog(size, collection, agent);
    await agent.ready();
    return backlog;
  }

  /**
   * Inserts the missing documents, lets the agent make some claims, and returns how long each took, in milliseconds.
   */
  async turn(bench: Bench): Promise<number[]> {
    const waiting = await this.#collection.countDocuments({ status: "pending" });
    await fill(this.#collection, this.size - waiting, BYTES);
    await settle(bench);
    const from = this.#log.claims.length;
    await this.#agent.resume();
    await until(() => Promise.resolve(this.#log.claims.length >= from + CLAIMS));
    await this.#agent.pause();
    await until(async () => (await this.#agent.status())?.held.documents === 0);
    // The first comes right after a pause.
    return this.#log.claims.slice(from + 1, from + CLAIMS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
    await this.#collection.drop();
  }
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
