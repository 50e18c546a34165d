import type { Candidate } from "./candidate.ts";
import { LOTS } from "./documents.ts";
import { BenchPostgres, canHavePostgres } from "./postgres.ts";
import { cpuMsOfEnded } from "./proc.ts";
import { canHavePackages, programArguments, runToEnd } from "./programs.ts";
import { costOf } from "./server_cost.ts";

/** Jobs that it takes by one statement. */
const SIZES = [500, 2000, 5000];

/** graphile-worker takes and completes jobs in batches, on a PostgreSQL server of its own for each run. */
export const GRAPHILE_WORKER: Candidate[] = SIZES.map((size) => ({
  id: `graphile-worker-${size}`,
  name: "graphile-worker on PostgreSQL",
  settings: `batched: takes ${size}, 24 at once`,
  kind: "library",
  documents: LOTS,
  isPossible: async () => await canHavePackages() && await canHavePostgres(),
  async run(_bench, count) {
    await using server = await BenchPostgres.start();
    const run = (mode: string) =>
      runToEnd(...programArguments("graphile_worker", [mode, server.host, String(count), String(size)]));
    await run("fill");
    await server.sql("vacuum analyze", "checkpoint");
    const { result, cost } = await costOf(server, count, async () => {
      const cpuBefore = await cpuMsOfEnded();
      const printed = await run("drain");
      return { printed, cpuMs: await cpuMsOfEnded() - cpuBefore };
    });
    const [[left]] = await server.sql("select count(*) from graphile_worker.jobs") as [[string]];
    return {
      span: JSON.parse(result.printed),
      done: count - Number(left),
      cost,
      programCpuMs: result.cpuMs / count * 1000,
    };
  },
}));
