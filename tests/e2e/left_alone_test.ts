import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { bsonDocument, element } from "../support/raw_bson.ts";
import type { AnyDocument } from "../support/store.ts";
import { WireConnection } from "../support/wire.ts";

const UNTIL_EMPTY = { args: ["run", "--until-empty"] };
const RARELY = { POLL_INTERVAL: "1h" };

/** Makes the collection refuse all writes of an agent. */
async function leaveNoRoom(db: TestDatabase): Promise<void> {
  const validator = { $jsonSchema: { properties: { _id: {}, status: {} }, additionalProperties: false } };
  await db.db.command({ collMod: "documents", validator });
}

Deno.test("run --until-empty on a collection that refuses every claim says why once, and fails", async () => {
  await using db = await testDatabase("left alone");
  const documents = await insertPending(db, upTo(300));
  await leaveNoRoom(db);
  await using home = await agentHome({ db, env: RARELY });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 1);
  const errors = agent.entries.filter(({ level }) => level === "ERROR").map(({ message }) => message);
  assertEquals(errors, [
    "Cannot claim documents",
    "Cannot claim documents (more like it)",
    "Gave up before nothing was left: claims fail, and no wait mends it",
  ]);
  assertMatch(String((await agent.log("Gave up")).error), /let the validator allow status "processing"/);
  assertEquals(await documents.countDocuments({ status: "pending" }), 300);
});

Deno.test("run on a collection that refuses every claim is not ready, and is as soon as it is mended", async () => {
  await using db = await testDatabase("left alone");
  const documents = await insertPending(db, upTo(300));
  await leaveNoRoom(db);
  await using home = await agentHome({ db, env: RARELY });
  const agent = await home.start();
  await agent.untilStatus(
    "it to be unready",
    ({ connected, counters, ready }) => connected && !ready && counters.claim_failures >= 3,
  );
  assertEquals(await home.probe("readiness"), false);
  await db.db.command({ collMod: "documents", validator: {} });
  await agent.untilStatus(
    "all to be processed",
    ({ counters, ready }) => ready && counters.processed === 300,
  );
  assertEquals(await documents.countDocuments({ status: "processed" }), 300);
});

Deno.test("run --until-empty fails if FILTER cannot be used, and names it", async () => {
  await using db = await testDatabase("left alone");
  await insertPending(db, upTo(3));
  await using home = await agentHome({ db, env: { ...RARELY, FILTER: '{"a": {"$gtt": 1}}' } });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 1);
  assertMatch(
    String((await agent.log("Gave up")).error),
    /FILTER is a part: unknown operator.*: mend FILTER$/,
  );
});

for (const operator of ["$near", "$nearSphere", "$geoNear"]) {
  Deno.test(`Left alone: a FILTER with ${operator} is refused at the start, with what to use instead`, async () => {
    await using home = await agentHome({
      db: { uri: "mongodb://127.0.0.1:1/", name: "nowhere" },
      env: { FILTER: JSON.stringify({ $and: [{ at: { [operator]: [1, 1] } }] }) },
    });
    for (const command of ["check", "run"]) {
      const { code, stderr } = await home.run(command);
      assertEquals(code, 2);
      assertStringIncludes(stderr, operator);
      assertStringIncludes(stderr, "use $geoWithin instead");
    }
  });
}

Deno.test("run --until-empty fails if documents are left that no claim can take, and reports how many", async () => {
  await using db = await testDatabase("left alone");
  const documents = await insertPending(db, upTo(20)) as AnyDocument;
  await documents.insertMany([
    { _id: "a", status: "pending", _pull: { visible_at: "tomorrow" } },
    { _id: "b", status: "pending", _pull: { visible_at: [[new Date()]] } },
    { _id: "c", status: "pending", _pull: "mine" },
    { _id: "d", status: "pending", _pull: { attempts: "many" } },
  ]);
  await using home = await agentHome({ db, env: RARELY });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 1);
  const { documents: left, processed } = await agent.log("Documents are left that cannot be claimed");
  assertEquals([left, processed], [4, 20]);
  const told = agent.entries.filter(({ message }) => message === "Documents wait that cannot be claimed");
  assertEquals(told.map(({ level, example }) => [level, example]), [
    ["WARNING", "c"],
    ["WARNING", "a"],
    ["WARNING", "d"],
  ]);
});

Deno.test("status reports documents that no claim can take", async () => {
  await using db = await testDatabase("left alone");
  const documents = await insertPending(db, [1]) as AnyDocument;
  await documents.insertOne({ _id: "a", status: "pending", _pull: { visible_at: "tomorrow" } });
  await using home = await agentHome({ db, env: RARELY });
  const agent = await home.startReady();
  const { left_alone: left } = await agent.untilStatus("it to be told of", (status) => !!status.left_alone);
  assertEquals([left?.documents, left?.example], [1, "a"]);
  const { stdout } = await home.run("status");
  assertMatch(
    stdout,
    /^left alone +1 documents that cannot be claimed, as a: Its field _pull\.visible_at is no date/m,
  );
});

Deno.test("Left alone: a document that cannot be read ends as a dead letter that names the field, and its neighbours are processed", async () => {
  await using db = await testDatabase("left alone");
  const documents = await insertPending(db, upTo(10));
  const broken = bsonDocument([
    element(0x02, "_id", new TextEncoder().encode("\x07\0\0\0broken\0")),
    element(0x02, "status", new TextEncoder().encode("\x08\0\0\0pending\0")),
    element(0x05, "data", new Uint8Array([4, 0, 0, 0, 2, 9, 0, 0, 0])),
  ]);
  using connection = await WireConnection.open(db.uri);
  assertEquals((await connection.insert(db.name, "documents", [broken])).size, 0);
  await using home = await agentHome({ db, env: RARELY });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 0);
  assertEquals(await documents.countDocuments({ status: "processed" }), 10);
  const { error, id } = await agent.log("Document is a dead letter");
  assertEquals(id, "broken");
  assertMatch(String(error), /^The document cannot be read: its field "data"/);
  assertEquals(await documents.countDocuments({ status: "failed" }), 1);
  // The letter holds what the document held, which no driver can read.
  const inLetter = { "document.data": { $type: "binData" } };
  assertEquals(await db.db.collection("documents_dead_letters").countDocuments(inLetter), 1);
});

Deno.test("run keeps a byte order mark at the start of an _id, and of a text that it hands to the processor", async () => {
  await using db = await testDatabase("byte order mark");
  const documents = db.db.collection<{ _id: string; status: string; text: string; first?: number }>(
    "documents",
  );
  const text = "\ufeffé, and more than twenty bytes";
  await documents.insertOne({ _id: "\ufeffé", status: "pending", text });
  const module = "export default ({ text }) => ({ set: { first: text.charCodeAt(0) } });";
  await using home = await agentHome({ db, module });
  const agent = await home.start(UNTIL_EMPTY);
  await agent.exit();
  const found = await documents.find().toArray();
  assertEquals(found.map(({ _id, status, first }) => [_id, status, first]), [[
    "\ufeffé",
    "processed",
    0xfeff,
  ]]);
});
