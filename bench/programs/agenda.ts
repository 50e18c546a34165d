/** The documents as jobs of agenda: `fill` makes them, `drain` processes them. */
import { MongoClient } from "mongodb";
import { textOf } from "../documents.ts";
import packages from "./packages.json" with { type: "json" };

// Computed specifiers: checking or running the agent does not need these packages.
const { Agenda } = await import(packages.agenda);
const { MongoBackend } = await import(packages.agenda_backend);

const [mode, uri, database, collection, count] = Deno.args as [string, string, string, string, string];
const client = await MongoClient.connect(uri);
const db = client.db(database);
let done = 0;
const agenda = new Agenda({
  backend: new MongoBackend({ mongo: db, collection }),
  processEvery: 50,
  maxConcurrency: 100,
  defaultConcurrency: 100,
  defaultLockLimit: 0,
});
agenda.define("noop", () => {
  done += 1;
  return Promise.resolve();
});
if (mode === "fill") {
  await agenda.ready;
  const text = textOf(300);
  const now = new Date();
  const jobs = Array.from({ length: Number(count) }, () => ({
    name: "noop",
    type: "normal",
    priority: 0,
    nextRunAt: now,
    data: { text },
  }));
  await db.collection(collection).insertMany(jobs);
} else {
  const finished = Promise.withResolvers<void>();
  agenda.on("complete", () => {
    if (done === Number(count)) finished.resolve();
  });
  await agenda.start();
  await finished.promise;
  while (await db.collection(collection).findOne({ lastFinishedAt: null })) {
    await new Promise((r) => setTimeout(r, 20));
  }
  await agenda.stop();
}
Deno.exit(0);
