/** The documents as jobs of graphile-worker: `fill` makes them, `drain` processes them and prints when. */
import { textOf } from "../documents.ts";
import packages from "./packages.json" with { type: "json" };

// It reports each job that it completes, unless this is set before it is loaded.
Deno.env.set("NO_LOG_SUCCESS", "1");
const { Logger, run, runMigrations } = await import(packages.graphile_worker);
const { default: pg } = await import(packages.pg);

/** Jobs in work at once. */
const CONCURRENCY = 24;

const [mode, host, count, size] = Deno.args as [string, string, string, string];
const pgPool = new pg.Pool({ host, user: "postgres", database: "postgres", max: CONCURRENCY + 2 });
// It warns if a pool has no listener for lost connections.
pgPool.on("error", () => {});

if (mode === "fill") {
  await runMigrations({ pgPool });
  const job = JSON.stringify({ identifier: "noop", payload: { text: textOf(300) } });
  await pgPool.query(
    `select count(*) from graphile_worker.add_jobs(array(
      select json_populate_record(null::graphile_worker.job_spec, $1::json) from generate_series(1, $2::int)
    ))`,
    [job, Number(count)],
  );
} else {
  const finished = Promise.withResolvers<void>();
  let [done, firstMs] = [0, 0];
  // The time counts from the end of the first batch: otherwise its jobs would count without the time to take them.
  const first = Math.min(Number(size), Number(count) >> 1);
  const noop = () => {
    done += 1;
    if (done === first) firstMs = Date.now();
    if (done === Number(count)) finished.resolve();
  };
  await run({
    pgPool,
    taskList: { noop },
    parsedCronItems: [],
    noHandleSignals: true,
    logger: new Logger(() => () => {}),
    preset: {
      worker: {
        concurrentJobs: CONCURRENCY,
        localQueue: { size: Number(size) },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  });
  await finished.promise;
  // It removes completed jobs: nothing else shows when that was.
  while ((await pgPool.query("select 1 from graphile_worker.jobs limit 1")).rowCount > 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  console.log(JSON.stringify({ firstMs, lastMs: Date.now(), after: done - first }));
}
Deno.exit(0);
