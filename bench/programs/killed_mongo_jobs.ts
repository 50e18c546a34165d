/** The documents as jobs of mongo-jobs, which is killed: `fill` makes them, `drain` processes them. */
import { work } from "./killed_work.ts";
import packages from "./packages.json" with { type: "json" };

const { default: mongoose } = await import(packages.mongoose);
const { BackgroundJobs } = (await import(packages.mongo_jobs)).default;

const [mode, uri, database, , count] = Deno.args as [string, string, string, string, string];
const lockTimeoutMS = Number(Deno.env.get("LOCK_MS"));
const dbConnection = await mongoose.createConnection(uri, { dbName: database }).asPromise();
const jobs = new BackgroundJobs({ dbConnection });

class Numbered {
  name = "numbered";
  perform({ number }: { number: number }): Promise<void> {
    return work(String(number));
  }
}

jobs.register(Numbered, "bench");
if (mode === "fill") {
  const { collection: stored } = jobs.jobModel;
  await jobs.jobModel.init();
  const now = new Date();
  await stored.insertMany(Array.from({ length: Number(count) }, (_, number) => ({
    handlerName: "numbered",
    queue: "numbered",
    data: { number },
    nextRunAt: now,
    attemptsCount: 0,
    createdAt: now,
    updatedAt: now,
  })));
  Deno.exit(0);
}
const maxConcurrency = Number(Deno.env.get("CONCURRENCY"));
await jobs.start(["bench"], { maxConcurrency, lockTimeoutMS, unlockJobsIntervalMS: 1000 });
