import { assert, assertEquals, assertRejects } from "@std/assert";
import { Binary, BSONRegExp, Decimal128, Double, Int32, Long, MaxKey, Timestamp } from "bson";
import { PermanentError } from "../../agent/errors.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import {
  type AnyDocument,
  COLLECTION,
  expireLeases,
  jobs,
  LETTERS,
  letters,
  makeDue,
  openStore,
  pending,
} from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Dead letters: one holds the document, its attempts, its errors and its source; the document says failed", async () => {
  await using database = await testDatabase("dead letters");
  await using store = openStore(database);
  await jobs(database).insertOne({ _id: "order-1", status: "pending", lines: [{ sku: "a", count: 2 }] });
  await store.nack([{ document: await store.takeOne(), error: "not yet", delayMs: 0 }]);
  await makeDue(jobs(database));

  assertEquals(await store.deadLetter(await store.takeOne(), "never"), 1);
  const { _pull: { dead_at: deadAt, errors }, ...document } = await jobs(database).findOne();
  assert(deadAt instanceof Date);
  assertEquals(
    errors.map(({ at: _, ...error }: { at: Date }) => error),
    [{ attempt: 1, message: "not yet" }, { attempt: 2, message: "never" }],
  );
  assertEquals(document, {
    _id: "order-1",
    status: "failed",
    lines: [{ sku: "a", count: 2 }],
    error: "never",
  });
  assertEquals(await letters(database).find().toArray(), [{
    _id: "order-1",
    document: { _id: "order-1", status: "failed", lines: [{ sku: "a", count: 2 }] },
    attempts: 2,
    error: "never",
    errors,
    source: { database: database.name, collection: "jobs" },
    dead_at: deadAt,
  }]);
});

Deno.test("Dead letters: a failed document keeps its attempts and nothing of the lease", async () => {
  await using database = await testDatabase("dead letters");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  await store.deadLetter(await store.takeOne(), "never");
  const { _pull } = await jobs(database).findOne();
  assertEquals(Object.keys(_pull).sort(), ["attempts", "dead_at", "errors"]);
  assertEquals(_pull.attempts, 1);
});

Deno.test("Dead letters: one keeps the BSON type of every value", async () => {
  await using database = await testDatabase("dead letters");
  await using store = openStore(database);
  const values = {
    int32: new Int32(5),
    double: new Double(5),
    int64: Long.fromString("5"),
    large: Long.fromString("9007199254740993"),
    decimal: Decimal128.fromString("5.00"),
    regex: new BSONRegExp("^a.*(?x)", "imx"),
    binary: new Binary(new Uint8Array([1, 2, 3]), 0x80),
    uuid: new Binary(new Uint8Array(16), 4),
    oldUuid: new Binary(new Uint8Array(16), 3),
    timestamp: new Timestamp({ t: 1, i: 2 }),
    maxKey: new MaxKey(),
    none: null,
    nan: new Double(NaN),
    minusZero: new Double(-0),
    nested: [{ a: new Int32(1) }, [Long.fromString("1")]],
  };
  await jobs(database).insertOne({ _id: Long.fromString("1"), status: "pending", ...values });

  await store.deadLetter(await store.takeOne(), "never");
  // The bytes are compared: what parses alike need not be alike.
  const types = Object.entries({ ...values, _id: 1 }).map(([field]) => ({
    [field]: { $type: `$document.${field}` },
  }));
  const original = Object.keys({ ...values, _id: 1 }).map((field) => ({ [field]: { $type: `$${field}` } }));
  const [inLetter] = await letters(database).aggregate([{ $project: Object.assign({}, ...types) }]).toArray();
  const [inSource] = await jobs(database).aggregate([{ $project: Object.assign({}, ...original) }]).toArray();
  assertEquals(inLetter, inSource);
  assertEquals(inLetter!.int64, "long");
  const raw = { promoteValues: false, bsonRegExp: true };
  const [letter, source] = [
    await letters(database).findOne({}, raw),
    await jobs(database).findOne({}, raw),
  ];
  const { error: _, _pull, status: __, ...rest } = source;
  assertEquals(letter.document, { ...rest, status: "failed" });
  assertEquals(letter._id, source._id);
});

Deno.test("Dead letters: a document fails its last attempt or permanently, and becomes a dead letter then and not before", async () => {
  await using database = await testDatabase("dead letters");
  await using store = openStore(database);
  await jobs(database).insertMany([
    { _id: "last attempt", status: "pending" },
    { _id: "permanent", status: "pending" },
    { _id: "works at last", status: "pending" },
  ]);
  const runs: Record<string, number> = {};
  await using _agent = new InProcessAgent(store, ({ _id }) => {
    runs[_id] = (runs[_id] ?? 0) + 1;
    if (_id === "permanent") throw new PermanentError("for good");
    if (_id === "last attempt" || runs[_id]! < 3) throw new Error("once more");
  }, { maxAttempts: 3 });

  const settled = { status: { $in: ["failed", "processed"] } };
  await waitFor("all to be settled", async () => await jobs(database).countDocuments(settled) === 3);
  assertEquals(runs, { "last attempt": 3, permanent: 1, "works at last": 3 });
  const found = await letters(database).find().sort({ _id: 1 }).toArray();
  assertEquals(found.map(({ _id, attempts, error }) => [_id, attempts, error]), [
    ["last attempt", 3, "once more"],
    ["permanent", 1, "for good"],
  ]);
  assertEquals((await jobs(database).findOne({ _id: "works at last" })).status, "processed");
});

Deno.test("Dead letters: with MAX_ATTEMPTS 1 the first failure is the last, also after a takeover (rule 12)", async () => {
  await using database = await testDatabase("dead letters");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  await store.takeOne();
  await jobs(database).updateOne({}, { $set: { "_pull.visible_at": new Date(1000) } });
  let runs = 0;
  await using agent = new InProcessAgent(store, () => {
    runs += 1;
    throw new Error("fails");
  }, { maxAttempts: 1 });

  const { attempt } = await agent.event("dead_lettered");
  assertEquals([runs, attempt], [1, 1]);
  assertEquals((await letters(database).findOne()).attempts, 1);
});

Deno.test("Dead letters: a letter takes the place of an older one, never that of a newer one (rule 24)", async () => {
  await using database = await testDatabase("dead letters");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  await letters(database).insertMany([
    { _id: 0, dead_at: new Date(1000), error: "older" },
    { _id: 1, dead_at: new Date(Date.now() + 3_600_000), error: "newer" },
  ]);
  const { documents } = await store.take();
  for (const document of documents) assertEquals(await store.deadLetter(document, "present"), 1);

  const found = await letters(database).find().sort({ _id: 1 }).toArray();
  assertEquals(found.map(({ error }) => error), ["present", "newer"]);
  assertEquals(await jobs(database).countDocuments({ status: "failed" }), 2);
});

Deno.test("Dead letters that cannot be written keep no other document waiting", async () => {
  await using database = await testDatabase("dead letters");
  // A view takes no writes.
  await database.db.createCollection(LETTERS, { viewOn: COLLECTION, pipeline: [] });
  await using store = openStore(database);
  await jobs(database).insertMany(pending(60));
  await using agent = new InProcessAgent(store, ({ _id }) => {
    if (_id < 25) throw Object.assign(new Error("bad"), { permanent: true });
  }, { batchSize: 10 });
  await agent.until("the others to be processed", () => agent.count("processed") === 35);
  assertEquals(agent.all("dead_lettered"), []);
  const [judged] = await jobs(database).find({ _id: 0 }).toArray();
  assertEquals([judged!.status, judged!.error, judged!._pull.errors.length], ["processing", "bad", 1]);
});

Deno.test("Dead letters: a letter never takes the place of another collection's: its document keeps the verdict until there is room", async () => {
  await using database = await testDatabase("dead letters");
  await using store = openStore(database);
  await using other = openStore(database, { mongodbCollection: "others" });
  const others = database.db.collection<AnyDocument>("others");
  await jobs(database).insertMany(pending(1));
  await others.insertMany(pending(1));
  await store.deadLetter(await store.takeOne(), "ours");
  const found = await letters(database).find().toArray();

  const message =
    `${LETTERS} holds the letter of a document of jobs with the same _id: set DEAD_LETTER_COLLECTION`;
  const [theirs] = (await other.take()).documents;
  const refusal = await assertRejects(() => other.deadLetter(theirs!, "theirs"), Error, message);
  assert(!other.isTransient(refusal));
  assertEquals(await letters(database).find().toArray(), found);
  // Neither failed without a letter nor pending: the agent that takes it over writes what could not be written.
  const judged = await others.findOne({}) as AnyDocument;
  assertEquals([judged.status, judged.error, judged._pull.dead_at instanceof Date], [
    "processing",
    "theirs",
    true,
  ]);
  await expireLeases(others);
  const again = await other.takeOne();
  await assertRejects(() => other.finishVerdict(again), Error, message);

  await using apart = openStore(database, {
    mongodbCollection: "others",
    deadLetterCollection: "others_dead_letters",
  });
  await expireLeases(others);
  assertEquals(await apart.finishVerdict(await apart.takeOne()), 1);
  assertEquals((await others.findOne({}))!.status, "failed");
  const letter = await database.db.collection<AnyDocument>("others_dead_letters").findOne();
  assertEquals([letter.error, letter.source.collection], ["theirs", "others"]);
});
