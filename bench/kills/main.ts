/**
 * Kills the processes of the agent, of other libraries and of a hand-written loop in the same way, and tells what each has
 * lost and doubled: `main.ts [--only agent,loop-read] [--seed 7] [--out docs]`. With `--out` it writes the figures for
 * docs/reliability.md; then `gen_docs.ts` writes the table.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { MongoClient } from "mongodb";
import { startMongod } from "../../scripts/mongod.ts";
import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";
import { seededRandom } from "../../tests/support/random.ts";
import { KILLED } from "./candidates.ts";
import { KilledRun } from "./killed_run.ts";
import type { PeerResult } from "./table.ts";

const { only, out, seed = "7" } = parseArgs(Deno.args, { string: ["only", "out", "seed"] });
const wanted = only?.split(",");
const dir = await newScratchDir("kills");
const server = await startMongod({ replicaSet: true, onDisk: true });
const client = new MongoClient(server.uri);
const results: PeerResult[] = [];
try {
  for (const candidate of KILLED) {
    if (wanted && !wanted.includes(candidate.id)) continue;
    if (candidate.isPossible && !await candidate.isPossible()) continue;
    const own = `${dir}/${candidate.id}`;
    await Deno.mkdir(own);
    const db = client.db(`kills_${candidate.id.replace("-", "_")}`);
    const random = seededRandom(Number(seed));
    const verdict = await new KilledRun(candidate, { uri: server.uri, db, dir: own, random }).judge();
    results.push({ name: candidate.name, ...verdict });
    console.log(candidate.name, JSON.stringify(verdict));
  }
} finally {
  await client.close();
  await server.stop();
  await removeScratchDir(dir);
}
if (out !== undefined) {
  await Deno.writeTextFile(`${out}/reliability_peers.json`, `${JSON.stringify(results, null, 2)}\n`);
}
