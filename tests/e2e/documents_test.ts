import { assertEquals } from "@std/assert";
import { Binary, Decimal128, Double, EJSON, Long, MaxKey, MinKey, ObjectId, Timestamp, UUID } from "bson";
import type { Collection } from "mongodb";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, type TestDocument } from "../support/documents.ts";
import { GATED } from "../support/modules.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const IDS: unknown[] = [
  new ObjectId("0123456789abcdef01234567"),
  "text",
  "",
  'a "b"\n\u0000😀',
  7,
  7.5,
  Long.fromString("9007199254740993"),
  new Double(-0),
  Decimal128.fromString("0.10"),
  new Date(0),
  true,
  false,
  null,
  new UUID("00000000-0000-4000-8000-000000000000"),
  new Binary(new Uint8Array([1, 2, 3]), 5),
  new Timestamp({ t: 1, i: 2 }),
  { tenant: "x", number: 1 },
  { number: 1, tenant: "x" },
  {},
  new MinKey(),
  new MaxKey(),
  NaN,
  Infinity,
];

/** Inserts by a command: the driver's insertion replaces an `_id` that is null. */
async function insertAsIs(db: TestDatabase): Promise<Collection<TestDocument>> {
  await db.db.command({ insert: "documents", documents: IDS.map((_id) => ({ _id, status: "pending" })) });
  return documentsOf(db);
}

Deno.test("Documents: an _id of any type is claimed, processed and marked, once", async () => {
  await using db = await testDatabase("every id");
  const documents = await insertAsIs(db);
  await using home = await agentHome({
    db,
    module: "export default (_, { idempotencyKey }) => mark(idempotencyKey);",
  });
  const agent = await home.startReady();
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === IDS.length,
  );
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  const expected = IDS.map((id) => `${db.name}.documents:${EJSON.stringify(id, { relaxed: false })}`);
  assertEquals((await home.marks()).map(({ text }) => text).sort(), expected.sort());
  assertEquals(agent.entries.filter(({ level }) => level !== "INFO"), []);
});

Deno.test("Documents: an _id of any type becomes a dead letter that carries it", async () => {
  await using db = await testDatabase("every dead id");
  await insertAsIs(db);
  await using home = await agentHome({
    db,
    module: `export default () => { throw Object.assign(new Error("never"), { permanent: true }); };`,
  });
  await home.startReady();
  const letters = db.db.collection("documents_dead_letters");
  await waitFor("all letters", async () => await letters.countDocuments() === IDS.length);
  const text = (id: unknown) => EJSON.stringify(id, { relaxed: false });
  const found = await letters.find({}, { promoteValues: false, promoteLongs: false }).toArray();
  assertEquals(found.map(({ _id }) => text(_id)).sort(), IDS.map(text).sort());
});

Deno.test("Documents: a document that is deleted or edited while in flight stays as the other program left it", async () => {
  await using db = await testDatabase("edited in flight");
  const documents = await insertPending(db, [1, 2, 3, 4, 5]);
  await using home = await agentHome({ db, module: GATED });
  const agent = await home.startReady();
  await home.untilMarked("start 5");
  await documents.deleteOne({ _id: 1 });
  await documents.updateOne({ _id: 2 }, { $set: { status: "on hold" } });
  await documents.updateOne({ _id: 3 }, { $set: { status: "cancelled" }, $unset: { _pull: "" } });
  await documents.updateOne({ _id: 4 }, { $set: { note: "edited" } });
  await home.write("marks.go", "");
  const { counters } = await agent.untilStatus(
    "all to be settled",
    ({ counters, held }) => held.documents === 0 && counters.processed === 2,
  );
  assertEquals(counters.lease_lost, 3);
  assertEquals(await documents.findOne({ _id: 1 }), null);
  assertEquals((await documents.findOne({ _id: 2 }))?.status, "on hold");
  assertEquals(await documents.findOne({ _id: 3 }), { _id: 3, status: "cancelled" });
  const { status, note } = (await documents.findOne({ _id: 4 }))!;
  assertEquals({ status, note }, { status: "processed", note: "edited" });
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("Documents: those of 15 MB are processed, among small ones, without more memory than a small pod has", async () => {
  await using db = await testDatabase("large documents");
  const documents = documentsOf(db);
  for (let _id = 1; _id <= 5; _id++) {
    await documents.insertOne({ _id, status: "pending", body: "x".repeat(15_000_000) });
    await documents.insertOne({ _id: _id + 100, status: "pending", body: "small" });
  }
  await using home = await agentHome({
    db,
    module:
      "export default ({ _id, body }) => { mark(_id + ' ' + body.length); return { set: { size: body.length } }; };",
  });
  const agent = await home.startReady();
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === 10,
  );
  assertEquals(await documents.countDocuments({ size: 15_000_000 }), 5);
  assertEquals(new Set((await home.marks()).map(({ text }) => text)).size, 10);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("FILTER leaves what does not match alone, and a scheduled document waits for its time", async () => {
  await using db = await testDatabase("filter");
  const documents = documentsOf(db);
  const later = new Date(Date.now() + 3_600_000);
  await documents.insertMany([
    { _id: 1, status: "pending", kind: "order" },
    { _id: 2, status: "pending", kind: "offer" },
    { _id: 3, status: "pending", kind: "order", _pull: { visible_at: later } },
  ]);
  await using home = await agentHome({ db, env: { FILTER: '{"kind": {"$in": ["order"]}}' } });
  const agent = await home.startReady();
  await waitFor(
    "the one that is due",
    async () => await documents.countDocuments({ status: "processed" }) === 1,
  );
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(await documents.findOne({ _id: 2 }), { _id: 2, status: "pending", kind: "offer" });
  assertEquals((await documents.findOne({ _id: 3 }))?._pull, { visible_at: later });
});
