import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Decimal128, Long } from "bson";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { COLLECTION, expireLeases, jobs, letters, openStore, pending } from "../support/store.ts";

Deno.test("Ack with fields: those that a processor returns are written with the ack, nested ones and all types alike", async () => {
  await using database = await testDatabase("ack fields");
  await using store = openStore(database);
  await jobs(database).insertOne({ _id: 1, status: "pending", kept: 1, nested: { old: 1, kept: 2 } });
  const set = {
    result: { total: Decimal128.fromString("1.50"), lines: [1, "two"] },
    "nested.old": 3,
    count: Long.fromString("9007199254740993"),
    none: null,
    ignored: undefined,
  };
  await using agent = new InProcessAgent(store, () => ({ set }));
  await agent.event("processed");

  const { processed_at: at, ...stored } = await jobs(database).findOne({}, { promoteLongs: false });
  assertEquals(at instanceof Date, true);
  assertEquals(JSON.parse(JSON.stringify(stored)), {
    _id: 1,
    status: "processed",
    kept: 1,
    nested: { old: 3, kept: 2 },
    result: { total: { $numberDecimal: "1.50" }, lines: [1, "two"] },
    count: JSON.parse(JSON.stringify(stored.count)),
    none: null,
    _pull: { attempts: 1 },
  });
  assertEquals(String(stored.count), "9007199254740993");
});

Deno.test("Ack with fields: each document of a batch gets its own fields, and those without any get none", async () => {
  await using database = await testDatabase("ack fields");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(100));
  await using agent = new InProcessAgent(
    store,
    ({ _id }) => _id % 3 === 0 ? { set: { double: 2 * _id } } : {},
  );
  await agent.until("all to be processed", () => agent.count("processed") === 100);

  for (const { _id, double } of await jobs(database).find().toArray()) {
    assertEquals(double, _id % 3 === 0 ? 2 * _id : undefined);
  }
});

Deno.test("Ack with fields: those are written by the holder alone", async () => {
  await using database = await testDatabase("ack fields");
  await using store = openStore(database);
  await using other = openStore(database);
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take();
  await expireLeases(jobs(database), { _id: 1 });
  await other.takeOne();

  const acks = documents.map((document) => ({ document, set: { by: "the first holder" } }));
  assertEquals((await store.ack(acks)).matched, 1);
  const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
  assertEquals(stored.map(({ status, by }) => [status, by]), [
    ["processed", "the first holder"],
    ["processing", undefined],
  ]);
});

Deno.test("Ack with fields: the ack and the fields are one write: no reader sees one without the other", async () => {
  await using setup = await proxiedStore("ack fields");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await store.takeOne();
  const commands = await proxy.record(() => store.ack([{ document, set: { result: 1 } }]));
  assertEquals(commands.map(({ command, collection }) => [command, collection]), [["update", COLLECTION]]);
  const { status, result } = await jobs(database).findOne();
  assertEquals([status, result], ["processed", 1]);
});

/** Results that cannot be written, and what becomes of them. */
const REFUSED: Record<string, [set: Record<string, unknown>, status: string, error: string]> = {
  "the agent's own field": [{ "_pull.attempts": 7 }, "failed", `the field "_pull" belongs to the agent`],
  "the status": [{ status: "done" }, "failed", `the field "status" belongs to the agent`],
  "the id": [{ _id: 2 }, "failed", `the field "_id" belongs to the agent`],
  "a field below a text": [{ "text.below": 1 }, "failed", "The result cannot be written"],
  "a field twice": [{ a: { b: 1 }, "a.b": 2 }, "failed", `"a.b" is a part of "a"`],
  "what a validator refuses": [{ size: "large" }, "failed", "The result cannot be written"],
};

for (const [what, [set, status, error]] of Object.entries(REFUSED)) {
  Deno.test(`Ack with fields: a result that sets ${what} is a failure of the processor, and its neighbours are acked`, async () => {
    await using database = await testDatabase("ack fields");
    await using store = openStore(database);
    await database.db.createCollection(COLLECTION, { validator: { size: { $not: { $type: "string" } } } });
    await jobs(database).insertMany(pending(4, { text: "text" }));
    await using agent = new InProcessAgent(
      store,
      ({ _id }) => ({ set: _id === 1 ? set : { fine: _id } }),
      { maxAttempts: 2 },
    );

    await agent.event("dead_lettered");
    // Those that were written along with it can only be told by looking: they count as unconfirmed.
    await agent.until(
      "the others to be settled",
      () => agent.count("processed") + agent.count("unconfirmed") === 3,
    );
    const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
    assertEquals(stored.map((each) => each.status), ["processed", status, "processed", "processed"]);
    assertEquals(stored.map(({ fine }) => fine), [0, undefined, 2, 3]);
    assertEquals(stored[1].error.includes(error), true, stored[1].error);
    assertEquals(await letters(database).countDocuments(), 1);
    assertEquals(agent.count("lease_lost"), 0);
  });
}

Deno.test("Ack with fields: one that MongoDB refuses is not an outage, and does not keep the others from being written", async () => {
  await using database = await testDatabase("ack fields");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(3, { text: "text" }));
  const { documents } = await store.take();
  const acks = documents.map((document, index) => ({
    document,
    set: index === 0 ? { "text.below": 1 } : { a: 1 },
  }));
  const error = await assertRejects(() => store.ack(acks));
  assertEquals(store.isTransient(error), false);
  assertEquals(await jobs(database).countDocuments({ status: "processed", a: 1 }), 2);
});

Deno.test("Ack with fields: those that an index does not take fail their own document alone", async () => {
  await using database = await testDatabase("ack fields");
  await using store = openStore(database, { maxAttempts: 1 });
  await jobs(database).createIndex({ location: "2dsphere" });
  await jobs(database).insertMany(pending(60));
  const bad = (id: number) => id % 20 === 7;
  await using agent = new InProcessAgent(
    store,
    ({ _id }) => ({ set: { location: { type: "Point", coordinates: bad(_id) ? [500, 500] : [1, 2] } } }),
    { maxAttempts: 1 },
  );
  await agent.until(
    "all to be settled",
    () => agent.count("processed") + agent.all("dead_lettered").length === 60,
  );

  const failed = await jobs(database).find({ status: "failed" }).sort({ _id: 1 }).toArray();
  assertEquals(failed.map(({ _id }) => _id), [7, 27, 47]);
  assertMatch(failed[0]!.error, /^The result cannot be written: /);
  assertEquals([agent.count("processed"), agent.count("unconfirmed"), agent.count("lease_lost")], [57, 0, 0]);
});
