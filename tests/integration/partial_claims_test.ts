import { assertEquals, assertRejects } from "@std/assert";
import type { Document } from "mongodb";
import { FailingServer } from "../support/failing_server.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import type { TestDatabase } from "../support/mongod.ts";
import {
  COLLECTION,
  idsOf,
  jobs,
  LONG_AGO,
  makeIndexes,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";
import { expired } from "../support/suspects.ts";
import { waitFor } from "../support/wait.ts";

/** By which name the server knows the stores under test. */
const APP = "pulling-agent/agent-under-test";
/** An error that does not pass, and of which the driver makes no second attempt. */
const BAD_VALUE = 2;
const refusedIds = (claim: { refused: readonly { id: unknown }[] }) => claim.refused.map(({ id }) => id);

/** A collection whose validator does not let the documents of `query` be claimed. */
async function refusing(database: TestDatabase, store: TestStore, query: Document): Promise<void> {
  await makeIndexes(database, store);
  const validator = { $nor: [{ ...query, status: "processing" }] };
  await database.db.command({ collMod: COLLECTION, validator });
}

/** Waits until a majority knows all writes so far: a claim without an answer is not found before that. */
async function majority(database: TestDatabase): Promise<void> {
  const writeConcern = { w: "majority" } as const;
  await jobs(database).insertOne({ _id: "last", status: "processed" }, { writeConcern });
}

Deno.test("Claimer keeps what a claim found, for any failure after that", async (t) => {
  await using server = await FailingServer.start();

  await t.step(
    "a claim that cannot be counted is found again, and what it was refused is told of",
    async () => {
      await using database = server.database();
      await using store = openStore(database);
      await refusing(database, store, { _id: 2 });
      await jobs(database).insertMany(pending(5));
      // Of a claim that was refused in part it is counted what it marked.
      await server.fail(APP, { failCommands: ["aggregate"], errorCode: BAD_VALUE }, { times: 1 });
      await assertRejects(() => store.take(), Error);
      await server.mend();
      assertEquals(await jobs(database).countDocuments({ status: "processing" }), 4);
      const claim = await store.take();
      assertEquals([idsOf(claim), refusedIds(claim)], [[0, 1, 3, 4], [2]]);
      assertEquals(refusedIds(await store.take()), [], "told of once");
    },
  );

  await t.step("what one kind was refused is told of by the next claim, if a later kind fails", async () => {
    await using database = server.database();
    await using store = openStore(database);
    await refusing(database, store, { _id: 1 });
    const retry = { attempts: 1, visible_at: LONG_AGO };
    await jobs(database).insertOne({ _id: 1, status: "pending", _pull: retry });
    // Before new documents: suspects of two kinds, retries, expired leases.
    await server.fail(APP, { failCommands: ["find"], errorCode: BAD_VALUE }, { skip: 4 });
    await assertRejects(() => store.take(), Error);
    await server.mend();
    assertEquals(refusedIds(await store.take()), [1]);
  });

  await t.step("ids that no claim can name are told of, if the look past them fails", async () => {
    await using database = server.database();
    await using store = openStore(database);
    await makeIndexes(database, store);
    const _id = new Map([["b", 1], ["1", 2]]);
    await jobs(database).insertOne({ _id, status: "pending" });
    await server.fail(APP, { failCommands: ["find"], errorCode: BAD_VALUE }, { skip: 5 });
    await assertRejects(() => store.take(), Error);
    await server.mend();
    assertEquals((await store.take()).refused.length, 1);
  });

  await t.step("suspects are not taken for none if the look for them fails", async () => {
    await using database = server.database();
    await using store = openStore(database);
    await makeIndexes(database, store);
    await jobs(database).insertOne(expired(1, { takeovers: 1 }));
    await server.fail(APP, { failCommands: ["find"], errorCode: BAD_VALUE }, { times: 1 });
    const { hasSuspects } = await store.take();
    await server.mend();
    assertEquals(hasSuspects, true);
  });

  await t.step("a suspect that cannot be released at once is released by the next look", async () => {
    await using database = server.database();
    await using store = openStore(database);
    await makeIndexes(database, store);
    await jobs(database).insertOne(expired(1, { takeovers: 1 }));
    const concern = { writeConcernError: { code: 64, errmsg: "the test says so" } };
    await server.fail(APP, { failCommands: ["update"], ...concern }, { times: 1 });
    await assertRejects(() => store.claimSuspect(), Error);
    await server.mend();
    await majority(database);
    await server.fail(APP, { failCommands: ["update"], errorCode: 112 }, { times: 1 });
    await assertRejects(() => store.recover(), Error);
    await server.mend();
    assertEquals(await store.recover(), []);
    assertEquals((await jobs(database).findOne()).status, "pending");
  });

  await t.step(
    "a batch of releases that is refused as a whole is halved until all are released",
    async () => {
      for (const errorCode of [10334, 17280, BAD_VALUE, 17419]) {
        await using database = server.database();
        await using store = openStore(database);
        await makeIndexes(database, store);
        await jobs(database).insertMany(pending(8));
        await drainWhileRefused(server, store, errorCode);
        const stored = await jobs(database).find().toArray();
        assertEquals(
          stored.map(({ status, _pull }) => [status, _pull.attempts]),
          Array(8).fill(["pending", 0]),
        );
      }
    },
  );
});

/** Claims all, is forced to stop, and has the first writes that release documents refused. */
async function drainWhileRefused(server: FailingServer, store: TestStore, errorCode: number): Promise<void> {
  let running = 0;
  await using agent = new InProcessAgent(
    store,
    (_, { signal }) => {
      running += 1;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    { concurrency: 4 },
  );
  await waitFor("handlers to run", () => running === 4);
  // Whether those that run and those that wait are written together or not, no document meets them alone.
  await server.fail(APP, { failCommands: ["update"], errorCode }, { times: 2 });
  agent.agent.force("the test says so");
  const report = await agent.stopped;
  await server.mend();
  assertEquals([report.released, report.abandoned], [8, 0], `code ${errorCode}`);
}
