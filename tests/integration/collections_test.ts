import { assertEquals } from "@std/assert";
import type { CreateCollectionOptions } from "mongodb";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import {
  COLLECTION,
  expireLeases,
  idsOf,
  jobs,
  letters,
  makeIndexes,
  openStore,
  pending,
} from "../support/store.ts";
import { profile } from "../support/profile.ts";
import { isOlderThan } from "../support/server_version.ts";

const ENGLISH = { locale: "en", strength: 1 };
/** A kind of collection, and the first version of MongoDB that the agent works on it with. */
interface Kind {
  options?: CreateCollectionOptions;
  standalone?: boolean;
  since?: `${number}.${number}`;
}

/** Kinds of collections on which an agent must work like on any other. */
const KINDS: Record<string, Kind> = {
  "on a standalone server": { standalone: true },
  clustered: { options: { clusteredIndex: { key: { _id: 1 }, unique: true } }, since: "5.3" },
  // Before, a document in one could not grow, as it does when it is claimed.
  capped: { options: { capped: true, size: 10 * 1024 * 1024 }, since: "6.0" },
  "that compares without regard to case": { options: { collation: ENGLISH } },
  "that compares numbers in text": { options: { collation: { locale: "en", numericOrdering: true } } },
};

for (const [what, { options, since = "4.4", standalone }] of Object.entries(KINDS)) {
  const ignore = isOlderThan(since);
  Deno.test(`Collections: a collection ${what} is pulled from like any other`, { ignore }, async () => {
    await using database = await testDatabase("collections", { standalone });
    await using store = openStore(database);
    if (options) await database.db.createCollection(COLLECTION, options);
    await makeIndexes(database, store);
    const ids = Array.from({ length: 60 }, (_, index) => `Job-${index}`);
    await jobs(database).insertMany(ids.map((_id) => ({ _id, status: "pending" })));
    const runs: Record<string, number> = {};
    const processor = ({ _id }: { _id?: string }) => {
      runs[_id!] = (runs[_id!] ?? 0) + 1;
      if (_id === "Job-7") throw new Error("always");
      if (_id === "Job-8" && runs[_id] === 1) throw new Error("once");
      return _id === "Job-9" ? { set: { result: 1 } } : undefined;
    };
    await using agent = new InProcessAgent(store, processor, { maxAttempts: 2, batchSize: 7 });

    await agent.until(
      "all to be settled",
      () => agent.count("processed") + agent.all("dead_lettered").length === 60,
    );
    await agent.drain();
    assertEquals(runs, Object.fromEntries(ids.map((id) => [id, id === "Job-7" || id === "Job-8" ? 2 : 1])));
    assertEquals(await letters(database).distinct("_id"), ["Job-7"]);
    assertEquals(agent.count("lease_lost") + agent.count("unconfirmed"), 0);
  });

  Deno.test(
    `Collections: on a collection ${what} leases are taken over, renewed and released`,
    { ignore },
    async () => {
      await using database = await testDatabase("collections", { standalone });
      await using gone = openStore(database);
      await using store = openStore(database);
      if (options) await database.db.createCollection(COLLECTION, options);
      await jobs(database).insertMany(pending(3));
      const { documents: lost } = await gone.take();
      await expireLeases(jobs(database));

      const { documents, takeovers } = await store.take();
      assertEquals([idsOf(documents), takeovers], [[0, 1, 2], 3]);
      assertEquals(idsOf(await gone.renew(lost)), [0, 1, 2]);
      assertEquals((await gone.ack(lost.map((document) => ({ document })))).matched, 0);
      assertEquals(await store.renew(documents), []);
      assertEquals((await store.release(documents)).matched, 3);
    },
  );
}

Deno.test("Collections: under a collation claims still go by the index", async () => {
  await using database = await testDatabase("collections");
  await using store = openStore(database);
  await database.db.createCollection(COLLECTION, { collation: ENGLISH });
  await makeIndexes(database, store);
  await jobs(database).insertMany([
    ...pending(3_000, { status: "processed" }),
    ...Array.from({ length: 500 }, (_, index) => ({ _id: `text ${index}`, status: "pending" })),
  ]);
  await store.take(1);
  const commands = await profile(database, () => store.take(50));
  assertEquals(commands.map(({ op }) => op), ["query", "update"]);
  for (const { planSummary, docsExamined, hasSortStage } of commands) {
    assertEquals([planSummary!.startsWith("COLLSCAN"), hasSortStage], [false, undefined]);
    assertEquals(docsExamined! <= 60, true, `${docsExamined} documents examined`);
  }
});

Deno.test("Ids that a collation holds for the same are still the ids of different documents outside it", async () => {
  await using database = await testDatabase("collections");
  await using store = openStore(database);
  await jobs(database).insertMany(["a", "A", "á", "a "].map((_id) => ({ _id, status: "pending" })));
  const { documents } = await store.take();
  await jobs(database).updateOne({ _id: "A" }, { $set: { "_pull.token": "of another" } });
  assertEquals(idsOf(await store.renew(documents)), ["A"]);
  assertEquals((await store.ack(documents.map((document) => ({ document })))).matched, 3);
});
