import type { Collection, Db, MongoClient } from "mongodb";
import { systemClock } from "../agent/lib/clock.ts";
import { sleep } from "../agent/lib/deadline.ts";
import type { RunningMongod } from "../scripts/mongod.ts";

export const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** Files that only the benchmark needs are kept here from one run to the next. */
export const TOOLS = `${Deno.env.get("PULLING_AGENT_TOOLS") ?? `${ROOT}/.tools`}/bench`;

/** The database of all measurements. */
export const DATABASE = "bench";

/** Rounds, in each of which every candidate has its turn. */
const ROUNDS = 5;

/** The context of every measurement. */
export interface Bench {
  readonly server: RunningMongod;
  readonly client: MongoClient;
  readonly db: Db;
  /** Thrown away at the end. */
  readonly dir: string;
  /** Runs everything once and with few documents: it shows that all of it works, and its figures have no meaning. */
  readonly isQuick: boolean;
  /** Reports the progress to a waiting user. */
  say(text: string): void;
}

/**
 * Drops a collection, and that of its agents, and makes it anew, so that one run leaves nothing to the next: neither a
 * position in the order of the ids, nor the mode of claims.
 */
export async function freshCollection({ db }: Bench, name: string): Promise<Collection> {
  await db.dropCollection(name);
  await db.dropCollection(`${name}_agents`);
  return await db.createCollection(name);
}

/**
 * Measures each of `cases` in turn, round after round, so that a disturbance of the machine affects all of them.
 * Returns the results of each, one per round.
 */
export async function inRounds<C, R>(
  { isQuick }: Bench,
  cases: readonly C[],
  measure: (each: C, round: number) => Promise<R>,
): Promise<Map<C, R[]>> {
  const results = new Map(cases.map((each) => [each, [] as R[]]));
  for (let round = 1; round <= (isQuick ? 1 : ROUNDS); round++) {
    for (const [each, done] of results) done.push(await measure(each, round));
  }
  return results;
}

/** Makes the server write everything to disk: otherwise a checkpoint in the middle of a run would slow the run down. */
export async function settle({ client }: Bench): Promise<void> {
  await client.db("admin").command({ fsync: 1 });
}

/** Resolves with what `look` returns once that is neither undefined nor false. */
export async function until<T>(
  look: () => Promise<T | undefined | false>,
  { everyMs = 20, limitMs = 600_000 } = {},
): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`Waited ${limitMs / 1000} s in vain: ${look}`);
    await sleep(systemClock, everyMs);
  }
}
