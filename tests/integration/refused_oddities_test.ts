import { assert, assertEquals, assertMatch } from "@std/assert";
import { Checkpoint } from "../support/checkpoint.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { bsonDocument, element, utf8 } from "../support/raw_bson.ts";
import { insertBytes } from "../support/raw_insert.ts";
import { jobs, letters, openStore } from "../support/store.ts";

const text = (value: Uint8Array) =>
  new Uint8Array([...new Uint8Array(Int32Array.of(value.length + 1).buffer), ...value, 0]);
const number = (value: number) => new Uint8Array(Int32Array.of(value).buffer);

/** Keys that the server quotes in its refusal, and that JavaScript cannot hold. */
const KEYS = {
  "text that is no UTF-8": [0x02, text(new Uint8Array([0x63, 0x61, 0x66, 0xe9]))],
  "a date beyond JavaScript's": [0x09, date(2n ** 63n - 1n)],
} as const;

for (const [what, [type, value]] of Object.entries(KEYS)) {
  Deno.test(`Refused outcomes: an ack refused for a key that is ${what} costs an attempt, and its document becomes a dead letter`, async () => {
    await using database = await testDatabase("refused oddities");
    await using store = openStore(database, { maxAttempts: 2 });
    await jobs(database).createIndex({ key: 1, status: 1 }, { unique: true });
    const documentOf = (id: number, status: string) =>
      bsonDocument([
        element(0x10, "_id", number(id)),
        element(0x02, "status", text(utf8(status))),
        { type, name: utf8("key"), value },
      ]);
    await insertBytes(database, [documentOf(1, "processed"), documentOf(2, "pending")]);
    await using agent = new InProcessAgent(store, () => {}, { maxAttempts: 2 });
    const { id } = await agent.event("dead_lettered");
    assertEquals([id, agent.all("lease_lost"), agent.all("unconfirmed")], [2, [], []]);
    const stored = await jobs(database).findOne({ _id: 2 }, {
      projection: { status: 1, "_pull.attempts": 1 },
    });
    assertEquals(stored.status, "failed");
    assert(stored._pull.attempts <= 2);
    assertEquals(await letters(database).countDocuments({ _id: 2 }), 1);
  });
}

Deno.test("Refused outcomes: a failure whose place in line another document has taken meanwhile becomes a dead letter that names both errors", async () => {
  await using database = await testDatabase("refused oddities");
  await using store = openStore(database);
  const partialFilterExpression = { status: "pending" };
  await jobs(database).createIndex({ lock: 1 }, { unique: true, partialFilterExpression });
  await jobs(database).insertOne({ _id: 1, status: "pending", lock: "a" });
  const [started, goOn] = [new Checkpoint("the first runs"), Promise.withResolvers<void>()];
  await using agent = new InProcessAgent(store, async ({ _id }) => {
    if (_id !== 1) return;
    started.reach();
    await goOn.promise;
    throw new Error("no answer");
  }, { batchSize: 1, concurrency: 1 });
  await started.wait();
  agent.gate.pause("signal");
  await jobs(database).insertOne({ _id: 2, status: "pending", lock: "a" });
  goOn.resolve();
  const { id, error } = await agent.event("dead_lettered");
  assertEquals(id, 1);
  assertMatch(error, /^no answer \(and MongoDB refused to set the document back to pending \(E11000.*lock_1/);
  agent.gate.resume("signal");
  await agent.event("processed");
});

/** A date by its milliseconds, of which BSON has more than JavaScript. */
function date(ms: bigint): Uint8Array<ArrayBuffer> {
  return new Uint8Array(BigInt64Array.of(ms).buffer);
}

/** What may stand where an agent writes its verdict, and what no agent can have written. */
const NO_VERDICTS = {
  "a date before JavaScript's first": [0x09, date(-(2n ** 63n))],
  "a date behind JavaScript's last": [0x09, date(2n ** 63n - 1n)],
  "text": [0x02, text(utf8("yesterday"))],
  "a list of a date": [0x04, bsonDocument([element(0x09, "0", date(0n))])],
  // One is after JavaScript's first date, the other before its last.
  "a list of dates that JavaScript does not know": [
    0x04,
    bsonDocument([element(0x09, "0", date(2n ** 63n - 1n)), element(0x09, "1", date(-(2n ** 63n)))]),
  ],
} as const;

for (const [what, [type, value]] of Object.entries(NO_VERDICTS)) {
  Deno.test(`Refused outcomes: _pull.dead_at that is ${what} is not a verdict: the document is processed, or gets one`, async () => {
    await using database = await testDatabase("no verdict");
    await using store = openStore(database);
    const pull = bsonDocument([{ type, name: utf8("dead_at"), value }]);
    const documentOf = (id: number) =>
      bsonDocument([
        element(0x10, "_id", number(id)),
        element(0x02, "status", text(utf8("pending"))),
        element(0x03, "_pull", pull),
      ]);
    await insertBytes(database, [documentOf(1), documentOf(2)]);
    await using agent = new InProcessAgent(store, ({ _id }) => {
      if (_id === 2) throw Object.assign(new Error("for good"), { permanent: true });
    });
    await agent.event("processed");
    await agent.event("dead_lettered");
    const [first, second] = await jobs(database).find({}, { sort: { _id: 1 } }).toArray();
    assertEquals([first._pull, second.status], [{ attempts: 1 }, "failed"]);
    const letter = await letters(database).findOne({ _id: 2 });
    assertEquals(letter.dead_at, second._pull.dead_at);
    assert(Math.abs(letter.dead_at - Date.now()) < 60_000);
    assertEquals(agent.all("lease_lost"), []);
  });
}
