/** The documents as jobs of agenda, which is killed: `fill` makes them, `drain` processes them. */
import { MongoClient } from "mongodb";
import { work } from "./killed_work.ts";
import packages from "./packages.json" with { type: "json" };

const { Agenda } = await import(packages.agenda);
const { MongoBackend } = await import(packages.agenda_backend);

const [mode, uri, database, collection, count] = Deno.args as [string, string, string, string, string];
const LOCK_MS = Number(Deno.env.get("LOCK_MS"));
const CONCURRENCY = Number(Deno.env.get("CONCURRENCY"));
const client = await MongoClient.connect(uri);
const db = client.db(database);
const agenda = new Agenda({
  backend: new MongoBackend({ mongo: db, collection }),
  processEvery: 200,
  maxConcurrency: CONCURRENCY,
  defaultConcurrency: CONCURRENCY,
  defaultLockLimit: CONCURRENCY,
  defaultLockLifetime: LOCK_MS,
});
agenda.define(
  "numbered",
  ({ attrs }: { attrs: { data: { number: number } } }) => work(String(attrs.data.number)),
);
if (mode === "fill") {
  await agenda.ready;
  const now = new Date();
  await db.collection(collection).insertMany(
    Array.from({ length: Number(count) }, (_, number) => ({
      name: "numbered",
      type: "normal",
      priority: 0,
      nextRunAt: now,
      data: { number },
    })),
  );
  Deno.exit(0);
}
await agenda.start();
