/** The documents as jobs of mongo-jobs: `fill` makes them, `drain` processes them and prints when. */
import { textOf } from "../documents.ts";
import packages from "./packages.json" with { type: "json" };

const { default: mongoose } = await import(packages.mongoose);
const { BackgroundJobs } = (await import(packages.mongo_jobs)).default;

const [mode, uri, database, , count] = Deno.args as [string, string, string, string, string];
const dbConnection = await mongoose.createConnection(uri, { dbName: database }).asPromise();
const jobs = new BackgroundJobs({ dbConnection });
const finished = Promise.withResolvers<void>();
let [done, firstMs] = [0, 0];

class Noop {
  name = "noop";
  perform(): Promise<void> {
    firstMs ||= Date.now();
    done += 1;
    if (done === Number(count)) finished.resolve();
    return Promise.resolve();
  }
}

jobs.register(Noop, "bench");
const { collection: stored } = jobs.jobModel;
if (mode === "fill") {
  await stored.deleteMany({});
  await jobs.jobModel.init();
  const text = textOf(300);
  const now = new Date();
  await stored.insertMany(Array.from({ length: Number(count) }, () => ({
    handlerName: "noop",
    queue: "noop",
    data: { text },
    nextRunAt: now,
    attemptsCount: 0,
    createdAt: now,
    updatedAt: now,
  })));
} else {
  await jobs.start(["bench"], { maxConcurrency: 8 });
  await finished.promise;
  while (await stored.findOne({})) await new Promise((resolve) => setTimeout(resolve, 5));
  // It removes finished jobs: nothing else shows when that was.
  console.log(JSON.stringify({ firstMs, lastMs: Date.now() }));
}
Deno.exit(0);
