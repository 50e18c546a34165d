import { BEST, BEST_BY_RANGES } from "./agent.ts";
import { type Bench, DATABASE, freshCollection, ROOT } from "./bench.ts";
import { type Candidate, type OnMongo, onMongo } from "./candidate.ts";
import { agent, loopInPython, loopInTypeScript } from "./candidates.ts";
import { MANY } from "./documents.ts";
import { runToEnd } from "./programs.ts";

/** Each document has its effect in this collection, which has no unique index. */
const EFFECTS = "effects";

const FEW = { full: 2000, quick: 50 };

const WRITES = `export default async ({ _id }) => ({
  writes: [{ collection: ${JSON.stringify(EFFECTS)}, insertOne: { of: _id } }],
});
`;

/** Programs that insert one document for each that they process; a run fails if there are more or fewer. */
export const EFFECT_CANDIDATES: Candidate[] = [
  loopInPython("loop_effects", {
    id: "effects-loop-python",
    settings: "exactly once: a transaction for each document",
    documents: FEW,
  }),
  loopInTypeScript("loop_effects", {
    id: "effects-loop-typescript",
    settings: "exactly once: a transaction for each document",
    documents: FEW,
  }),
  agent({
    id: "effects-own-insert",
    settings: "at least once: the module inserts with a client of its own",
    documents: { full: 10_000, quick: 200 },
    options: async (bench) => ({
      module: await bundled(bench, "own_insert"),
      env: { EFFECTS_URI: bench.server.uri, EFFECTS_DATABASE: DATABASE },
    }),
  }),
  agent({
    id: "effects-writes-default",
    settings: "exactly once: `writes`, default (BATCH_SIZE=100)",
    documents: MANY,
    options: () => ({ module: WRITES }),
  }),
  agent({
    id: "effects-writes-best",
    settings: `exactly once: \`writes\`, best (BATCH_SIZE=${BEST.BATCH_SIZE})`,
    documents: MANY,
    options: () => ({ module: WRITES, env: BEST }),
  }),
  agent({
    id: "effects-writes-range",
    settings: `exactly once: \`writes\`, CLAIM_MODE=range, BATCH_SIZE=${BEST_BY_RANGES.BATCH_SIZE}`,
    documents: MANY,
    options: () => ({ module: WRITES, env: BEST_BY_RANGES }),
  }),
].map((each) => onMongo(withEffects(each)));

function withEffects(candidate: OnMongo): OnMongo {
  return {
    ...candidate,
    async prepare(bench, count) {
      await freshCollection(bench, EFFECTS);
      return await candidate.prepare(bench, count);
    },
    async drain(bench, collection, count) {
      const look = await candidate.drain(bench, collection, count);
      return async () => {
        const drained = await look();
        await checkEffects(bench, candidate.id, count);
        return drained;
      };
    },
  };
}

/** @throws {Error} if not each of `count` documents has exactly one effect */
async function checkEffects({ db }: Bench, id: string, count: number): Promise<void> {
  const [found] = await db.collection(EFFECTS).aggregate([
    { $group: { _id: "$of", effects: { $sum: 1 } } },
    { $group: { _id: null, documents: { $sum: 1 }, effects: { $sum: "$effects" } } },
  ]).toArray();
  const { documents = 0, effects = 0 } = found ?? {};
  if (documents !== count || effects !== count) {
    throw new Error(`${id} has written ${effects} effects of ${documents} documents, instead of ${count}`);
  }
}

/** The source of a module that needs packages, as one file. */
async function bundled({ dir }: Bench, name: string): Promise<string> {
  const output = `${dir}/${name}.js`;
  const args = ["bundle", "--quiet", "--frozen", "--platform", "deno", "--output", output];
  await runToEnd(Deno.execPath(), [...args, `${ROOT}/bench/programs/${name}.ts`]);
  return await Deno.readTextFile(output);
}
