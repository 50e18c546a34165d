import { assert, assertEquals } from "@std/assert";
import { KILLED } from "../../bench/kills/candidates.ts";
import { KilledRun } from "../../bench/kills/killed_run.ts";
import { startMongod } from "../../scripts/mongod.ts";
import { TestDatabase } from "../support/mongod.ts";
import { testRandom } from "../support/random.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("KilledRun: the agent loses nothing and doubles nothing without an excuse, and hand-written loops do", async () => {
  await using server = await startMongod({ replicaSet: true });
  const random = testRandom();
  for (const candidate of KILLED) {
    if (candidate.isPossible && !await candidate.isPossible()) continue;
    await using dir = await TempDir.make();
    await using database = new TestDatabase(server.uri, `kills_${candidate.id.replaceAll("-", "_")}`);
    const options = { uri: server.uri, db: database.db, dir: dir.path, random };
    const { doubled, lost, withoutExcuse } = await new KilledRun(candidate, options).judge();
    if (candidate.id === "agent") assertEquals([lost, withoutExcuse], [0, 0]);
    if (candidate.id === "agent") assert(doubled > 0, "no kill has met a document");
    if (candidate.id === "loop-read") assert(withoutExcuse > 0);
    if (candidate.id === "loop-claim") assert(lost > 0);
  }
});
