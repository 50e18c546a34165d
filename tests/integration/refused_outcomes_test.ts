import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Document } from "mongodb";
import { PermanentError } from "../../agent/errors.ts";
import { RefusedWritesError } from "../../agent/partial_writes.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { COLLECTION, expireLeases, jobs, LETTERS, letters, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";
import { isOlderThan } from "../support/server_version.ts";

/** Makes a collection refuse every write that leaves a document which matches `query`. */
async function forbid(database: TestDatabase, query: Document, collection = COLLECTION): Promise<void> {
  const { db } = database;
  if (await db.listCollections({ name: collection }).hasNext() === false) {
    await db.createCollection(collection);
  }
  await db.command({ collMod: collection, validator: { $nor: [query] } });
}

const rejections = (agent: InProcessAgent) =>
  agent.all("settle_rejected").map(({ kind, next }) => [kind, next]);

Deno.test("Refused outcomes: an ack that a unique index refuses costs an attempt, and its document is a dead letter in the end that says why", async () => {
  await using database = await testDatabase("refused outcomes");
  await using store = openStore(database, { maxAttempts: 3 });
  await jobs(database).createIndex({ key: 1, status: 1 }, { unique: true });
  await jobs(database).insertOne({ _id: 1, key: "a", status: "processed" });
  await jobs(database).insertOne({ _id: 2, key: "a", status: "pending" });
  let runs = 0;
  await using agent = new InProcessAgent(store, () => void runs++, { maxAttempts: 3 });
  const { error, attempt } = await agent.event("dead_lettered");
  assertMatch(
    error,
    /^MongoDB refused to mark the document processed \(E11000 duplicate key.*key_1_status_1/,
  );
  assertMatch(
    error,
    /change the validator or the unique index that does not allow it, then redrive the document$/,
  );
  assertEquals([runs, attempt], [3, 3]);
  assertEquals((await jobs(database).findOne({ _id: 2 })).status, "failed");
  assertEquals((await letters(database).findOne({ _id: 2 })).attempts, 3);
  assertEquals(agent.all("settle_rejected").length, 3);
});

/** What a validator does not allow, how the handler ends, and what becomes of the document. */
const VALIDATORS: Record<
  string,
  { forbidden: Document; fails: boolean; runs: number; status: string; letter: boolean | "by reference" }
> = {
  "no error": {
    forbidden: { error: { $exists: true } },
    fails: true,
    runs: 2,
    status: "failed",
    letter: true,
  },
  "no history of errors": {
    forbidden: { "_pull.errors": { $exists: true } },
    fails: true,
    runs: 2,
    status: "failed",
    letter: true,
  },
  "neither error nor verdict": {
    forbidden: { $or: [{ error: { $exists: true } }, { "_pull.dead_at": { $exists: true } }] },
    fails: true,
    runs: 2,
    status: "failed",
    letter: "by reference",
  },
  "no second attempt": {
    forbidden: { status: "pending", "_pull.attempts": { $gte: 1 } },
    fails: true,
    runs: 1,
    status: "failed",
    letter: true,
  },
  "no processed document": {
    forbidden: { status: "processed" },
    fails: false,
    runs: 2,
    status: "failed",
    letter: true,
  },
  "no failed document": {
    forbidden: { status: "failed" },
    fails: true,
    runs: 2,
    status: "processing",
    letter: true,
  },
  "no end at all": {
    forbidden: {
      $or: [
        { status: { $in: ["processed", "failed"] } },
        { status: "pending", "_pull.attempts": { $gte: 1 } },
        { "_pull.dead_at": { $exists: true } },
      ],
    },
    fails: false,
    runs: 1,
    status: "processing",
    letter: "by reference",
  },
};

for (const [what, { forbidden, fails, runs: expected, status, letter }] of Object.entries(VALIDATORS)) {
  Deno.test(`Refused outcomes: with a validator that allows ${what}, a handler runs ${expected} times of 2, and every error is told`, async () => {
    await using database = await testDatabase("refused outcomes");
    await using store = openStore(database, { maxAttempts: 2 });
    await jobs(database).insertOne({ _id: 1, status: "pending" });
    await forbid(database, forbidden);
    const runs: unknown[] = [];
    const handler = ({ _id }: Document) => {
      runs.push(_id);
      if (fails && _id === 1) throw new Error("the handler's own error");
    };
    await using agent = new InProcessAgent(store, handler, { maxAttempts: 2 });
    const isSettled = status === "failed" ? "dead_lettered" : "settle_rejected";
    await waitFor(
      "the end",
      () => agent.all(isSettled).some((each) => !("next" in each) || each.next === "nothing"),
    );
    const stored = await jobs(database).findOne();
    assertEquals(stored.status, status);
    assertEquals(runs.length, expected);
    if (stored._pull) assert(stored._pull.attempts <= 2);
    const found = await letters(database).findOne();
    assertEquals(found.by_reference ? "by reference" : true, letter);
    assertMatch(
      found.error,
      fails ? /^the handler's own error/ : /^MongoDB refused to mark the document processed/,
    );
    if (fails) {
      for (const { kind, failure } of agent.all("settle_rejected")) {
        if (kind === "nack" || kind === "dead_letter") {
          assertMatch(String(failure), /^the handler's own error/);
        }
      }
    }

    // Its lease runs out again and again: it is neither run nor reported again, and others are processed.
    const told = rejections(agent);
    for (let round = 1; round <= 2; round++) {
      await expireLeases(jobs(database));
      await database.db.command({ collMod: COLLECTION, validator: {} });
      await jobs(database).insertOne({ _id: 10 + round, status: "pending" });
      await forbid(database, forbidden);
      await waitFor("the other", () => runs.includes(10 + round));
    }
    assertEquals(runs.filter((id) => id === 1).length, expected);
    assertEquals(
      agent.all("settle_rejected").filter(({ id }) => id === 1).length,
      told.length,
    );
  });
}

Deno.test("Refused outcomes: of a hundred acks the database refuses one: the others are acked, counted and not called lost", async () => {
  await using database = await testDatabase("refused outcomes");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(100));
  await forbid(database, { _id: 57, status: "processed" });
  await using agent = new InProcessAgent(store, () => {}, { maxAttempts: 1 });
  const { id, error } = await agent.event("dead_lettered");
  assertEquals(id, 57);
  assertMatch(error, /^MongoDB refused to mark the document processed \(Document failed validation/);
  await agent.until("the others", () => agent.count("processed") === 99);
  assertEquals([agent.count("lease_lost"), agent.count("unconfirmed")], [0, 0]);
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 99);
});

Deno.test("Refused outcomes: if the database refuses the release or renewal of one document, it is named, and the others are written", async () => {
  await using database = await testDatabase("refused outcomes");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(5));
  const { documents } = await store.take();
  const before = documents.map(({ leasedAtMs }) => leasedAtMs);
  await forbid(database, { _id: 2 });
  const refusal = async (write: () => Promise<unknown>) => {
    const error = await write().then(() => undefined, (error: unknown) => error);
    assert(error instanceof RefusedWritesError, `${error}`);
    return [[...error.refused.keys()], error.others.matched];
  };
  assertEquals(await refusal(() => store.renew(documents)), [[2], 4]);
  assertEquals(documents.map(({ leasedAtMs }, at) => leasedAtMs > before[at]!), [
    true,
    true,
    false,
    true,
    true,
  ]);
  await jobs(database).updateOne({ _id: 4 }, { $set: { "_pull.token": "another's" } });
  assertEquals((await store.renew(documents)).map(({ id }) => id), [4], "what is lost is told first");
  assertEquals(await refusal(() => store.release(documents)), [[2], 3]);
  const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
  assertEquals(stored.map(({ status }) => status), [
    "pending",
    "pending",
    "processing",
    "pending",
    "processing",
  ]);
  assertEquals(stored.map(({ _pull }) => _pull.attempts), [0, 0, 1, 0, 1]);
});

/** Dead-letter collections that take no letter. */
const NO_LETTERS: Record<string, (database: TestDatabase) => Promise<unknown>> = {
  "has a validator that refuses letters": (database) =>
    forbid(database, { error: { $exists: true } }, LETTERS),
  "is a view": ({ db }) => db.createCollection(LETTERS, { viewOn: "others", pipeline: [] }),
  "holds time series": ({ db }) => db.createCollection(LETTERS, { timeseries: { timeField: "at" } }),
};

for (const [what, make] of Object.entries(NO_LETTERS)) {
  const ignore = what === "holds time series" && isOlderThan("5.0");
  Deno.test(
    `Refused outcomes: a dead-letter collection that ${what} loses no document: the verdict stays, no handler runs again, and it is reported once`,
    { ignore },
    async () => {
      await using database = await testDatabase("refused outcomes");
      await using store = openStore(database);
      await make(database);
      await jobs(database).insertMany(pending(2));
      let runs = 0;
      await using agent = new InProcessAgent(store, () => {
        runs += 1;
        throw new PermanentError("for good");
      });
      await agent.until("both to be told of", () => agent.all("settle_rejected").length === 2);
      for (const { kind, error, failure, next } of agent.all("settle_rejected")) {
        assertEquals([kind, String(failure), next], ["dead_letter", "for good", "nothing"]);
        assertMatch(String(error), new RegExp(`The dead letter cannot be written to ${LETTERS}: `));
      }
      const stored = await jobs(database).find().toArray();
      assert(stored.every(({ status, _pull }) => status === "processing" && _pull.dead_at instanceof Date));

      await database.db.dropCollection(LETTERS);
      await expireLeases(jobs(database));
      await using other = openStore(database);
      await using finisher = new InProcessAgent(other, () => void runs++);
      await finisher.until("both to be finished", () => finisher.all("dead_lettered").length === 2);
      assertEquals([runs, await letters(database).countDocuments()], [2, 2]);
    },
  );
}

Deno.test("RefusedOutcomes forgets a document that was reset: its handler runs again, and not for a lease that ran out", async () => {
  await using database = await testDatabase("refused outcomes");
  await using store = openStore(database, { maxAttempts: 1 });
  // It would be passed over for a minute.
  store.exclude = () => {};
  await jobs(database).insertOne({ _id: 1, status: "pending" });
  await forbid(database, { status: { $in: ["processed", "failed"] } });
  const runs: number[] = [];
  const handler = ({ _id }: Document) => void runs.push(_id);
  await using agent = new InProcessAgent(store, handler, { maxAttempts: 1 });
  const refused = () => agent.all("settle_rejected").filter(({ next }) => next === "nothing").length;
  await waitFor("the end", () => refused() === 1);
  await expireLeases(jobs(database));
  await agent.until("it to be taken over", () => agent.all("claimed").some(({ takeovers }) => takeovers > 0));
  await database.db.command({ collMod: COLLECTION, validator: {} });
  await jobs(database).replaceOne({ _id: 1 }, { status: "pending" });
  await waitFor("it to be processed", async () => (await jobs(database).findOne()).status === "processed");
  assertEquals(runs, [1, 1]);
});
