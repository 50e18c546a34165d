import { assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** The document 1 hands work to others of its own collection; the others only note that they ran. */
const MODULE = `export default ({ _id }) => {
  mark(String(_id));
  if (_id !== 1) return;
  const documents = (write) => ({ collection: "documents", ...write });
  return {
    writes: [
      documents({ insertOne: { _id: 10, status: "pending" } }),
      documents({ insertOne: { _id: 11, status: "pending", _pull: { visible_at: new Date(Date.now() + 300) } } }),
      documents({ insertOne: { _id: 12, status: "kept" } }),
      documents({ updateOne: { filter: { _id: 13 }, update: { $setOnInsert: { status: "pending" } }, upsert: true } }),
      documents({ updateOne: { filter: { _id: 20, status: "waiting" }, update: { $set: { status: "pending" } } } }),
      documents({ updateOne: { filter: { _id: 21, status: "pending" }, update: { $set: { status: "cancelled" } } } }),
      documents({ updateOne: { filter: { kind: "a" }, update: { $set: { touched: true } } } }),
      documents({ deleteOne: { filter: { _id: 22, status: "waiting" } } }),
      documents({ deleteOne: { filter: { _id: 23, status: "waiting" } } }),
    ],
  };
};
`;

Deno.test("Results: writes in the source collection start, schedule, wake and cancel documents, and leave their own alone", async () => {
  await using db = await testDatabase("source writes");
  const documents = documentsOf(db);
  const later = { _pull: { visible_at: new Date("2099-01-01") } };
  await documents.insertMany([
    { _id: 1, status: "pending", kind: "a" },
    { _id: 20, status: "waiting", kind: "a" },
    { _id: 21, status: "pending", ...later },
    { _id: 22, status: "waiting" },
    { _id: 23, status: "kept" },
  ]);
  await using home = await agentHome({ db, module: MODULE });
  await home.startReady();
  const ran = [1, 10, 11, 13, 20];
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === ran.length,
  );
  assertEquals((await home.marks()).map(({ text }) => Number(text)).toSorted((a, b) => a - b), ran);
  const found = await documents.find().sort({ _id: 1 }).toArray();
  assertEquals(found.map(({ _id, status, touched }) => [_id, status, touched]), [
    [1, "processed", undefined],
    [10, "processed", undefined],
    [11, "processed", undefined],
    [12, "kept", undefined],
    [13, "processed", undefined],
    [20, "processed", true],
    [21, "cancelled", undefined],
    [23, "kept", undefined],
  ]);
});
