import { assertEquals, assertRejects } from "@std/assert";
import { BSON, type Document, Timestamp } from "mongodb";
import { startMongod } from "../../scripts/mongod.ts";
import { TestDatabase, testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";
import { OplogReader, type Write } from "../witness/oplog.ts";
import { OplogTail } from "../witness/oplog_tail.ts";

/** Half of what an entry of the oplog can hold, and a little more. */
const HALF_AN_ENTRY = "x".repeat(9 * 1024 * 1024);

/** Follows the oplog of a database's `jobs` and `effects`; the writes so far, by transaction. */
async function follow(
  database: TestDatabase,
  from?: Timestamp,
): Promise<{ tail: OplogTail; writes: Write[][] }> {
  const reader = new OplogReader();
  const writes: Write[][] = [];
  const tail = await OplogTail.start({
    ...from && { from },
    uri: database.uri,
    namespaces: [`${database.name}.jobs`, `${database.name}.effects`],
    onEntry: (bytes) => {
      const made = reader.writesOf(BSON.deserialize(bytes));
      if (made.length > 0) writes.push(made);
    },
  });
  return { tail, writes };
}

Deno.test("OplogTail reads on where it was after its reading was cut off, and knows the writes of a transaction of several entries together", async () => {
  await using server = await startMongod({ replicaSet: true, testCommands: true });
  await using database = new TestDatabase(server.uri, "oplog_tail");
  const [jobs, effects] = [database.db.collection<Document>("jobs"), database.db.collection("effects")];
  await jobs.insertOne({ _id: -1 as never });
  await effects.insertOne({});
  const { tail, writes } = await follow(database);
  for (let _id = 0; _id < 30; _id++) {
    if (_id % 10 === 5) {
      await waitFor("the writes so far to be read", () => writes.length === _id);
      // The next reading is cut off, and so is the one after it.
      await database.client.db("admin").command({
        configureFailPoint: "failCommand",
        mode: { times: 2 },
        data: { failCommands: ["getMore"], closeConnection: true },
      });
    }
    await jobs.insertOne({ _id: _id as never });
  }
  await database.client.withSession((session) =>
    session.withTransaction(async () => {
      await jobs.updateOne({ _id: 7 as never }, { $set: { status: "processed" } }, { session });
      await effects.insertOne({ of: 7, text: HALF_AN_ENTRY }, { session });
      await effects.insertOne({ of: 7, text: HALF_AN_ENTRY }, { session });
    })
  );
  await tail.end();
  assertEquals(writes.slice(0, 30).map(([write]) => write!.id), Array.from({ length: 30 }, (_, id) => id));
  assertEquals(writes.slice(30).map((made) => made.map(({ kind }) => kind)), [[
    "update",
    "insert",
    "insert",
  ]]);
  assertEquals(new Set(writes[30]!.map(({ transaction }) => transaction)).size, 1);
});

Deno.test("OplogTail reports that the server has dropped what it has not read", async () => {
  await using database = await testDatabase("oplog tail");
  const { tail } = await follow(database, new Timestamp({ t: 1, i: 1 }));
  await assertRejects(() => tail.end(), Error, "dropped entries");
});
