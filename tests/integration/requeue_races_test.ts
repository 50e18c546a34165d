import { assertEquals } from "@std/assert";
import { testDatabase } from "../support/mongod.ts";
import { jobs, LONG_AGO, openStore } from "../support/store.ts";

const EVERYTHING = { by: "filter", filter: { status: { $exists: true } } } as const;

Deno.test("requeue leaves documents alone that an agent claims between its read and its write (rule 44)", async () => {
  await using database = await testDatabase("requeue races");
  await using operator = openStore(database);
  await using agent = openStore(database);
  await jobs(database).insertMany([
    { _id: "retry", status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1 } },
    { _id: "expired", status: "processing", _pull: { visible_at: LONG_AGO, attempts: 1, token: "gone" } },
  ]);
  const documents = await operator.forCommands.documentsToRequeue();
  const plan = await documents.plan(EVERYTHING, new Date(Date.now() + 60_000));
  const found = (await Array.fromAsync(documents.pages(plan, 10))).flat();
  assertEquals(found.length, 2);
  await agent.take();
  await agent.take();
  const held = await jobs(database).find().toArray();

  const { changed, count } = await documents.requeue(found);
  assertEquals({ changed, count }, { changed: 2, count: 0 });
  assertEquals(await jobs(database).find().toArray(), held);
});
