import { assert, assertEquals } from "@std/assert";
import type { Document, MongoClient } from "mongodb";
import { startMongod } from "../../scripts/mongod.ts";
import { PermanentError } from "../../agent/errors.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { TestDatabase } from "../support/mongod.ts";
import { rounds, shuffled, testRandom } from "../support/random.ts";
import { expireLeases, jobs, letters, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** What a server may say to a command: errors that pass, that do not, and of which no list knows. */
const CODES = [2, 8, 13, 50, 66, 112, 115, 121, 166, 189, 10334, 11000, 17419, 40324, 50_000];
/** What may be said of the durability of a write that was made. */
const WRITE_CONCERN_CODES = [8, 64, 100, 50_000];

/** Every command that ends a lease, and what is told to it: an error, or of its write concern. */
const FAILURES: Document[] = ["update", "aggregate"].flatMap((command) => [
  ...CODES.map((errorCode) => ({ failCommands: [command], errorCode })),
  ...WRITE_CONCERN_CODES.map((code) => ({
    failCommands: [command],
    writeConcernError: { code, errmsg: "the test says so" },
  })),
]);
FAILURES.push(...[13, 50, 121, 189].map((errorCode) => ({ failCommands: ["find"], errorCode })));

/** Only the agent gets errors. */
const appName = "pulling-agent/agent-under-test";
const MAX_ATTEMPTS = 2;
const FINAL = { status: { $in: ["processed", "failed"] } };

/** Lets an agent work while a command fails `times` times, and another one finish. */
async function survive(uri: string, admin: MongoClient, data: Document, times: number): Promise<void> {
  const what = JSON.stringify({ ...data, times });
  await using database = new TestDatabase(uri, `refused_${crypto.randomUUID().slice(0, 8)}`);
  await jobs(database).insertMany(pending(6));
  const runs = new Map<number, number>();
  let isArmed = false;
  const handler = async ({ _id }: Document) => {
    runs.set(_id, (runs.get(_id) ?? 0) + 1);
    if (!isArmed) {
      isArmed = true;
      await admin.db("admin").command({
        configureFailPoint: "failCommand",
        mode: { times },
        data: { appName, ...data },
      });
    }
    if (_id % 3 === 1) throw new Error("once more");
    if (_id % 3 === 2) throw new PermanentError("for good");
  };
  try {
    await using store = openStore({ uri, name: database.name }, { maxAttempts: MAX_ATTEMPTS });
    await using agent = new InProcessAgent(store, handler, { maxAttempts: MAX_ATTEMPTS });
    const isTold = () => agent.all("settle_rejected").filter(({ next }) => next === "nothing").length;
    await waitFor(
      `all to be settled or told of (${what})`,
      async () => await jobs(database).countDocuments(FINAL) + isTold() >= 6,
    );
    for (const [id, count] of runs) {
      assert(count <= MAX_ATTEMPTS, `document ${id} ran ${count} times (${what})`);
    }
  } finally {
    await admin.db("admin").command({ configureFailPoint: "failCommand", mode: "off" });
  }
  await expireLeases(jobs(database));
  await using store = openStore({ uri, name: database.name }, { maxAttempts: MAX_ATTEMPTS });
  await using _other = new InProcessAgent(store, handler, { maxAttempts: MAX_ATTEMPTS });
  await waitFor(`all to be settled (${what})`, async () => await jobs(database).countDocuments(FINAL) === 6);
  const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
  const failed = stored.filter(({ status }) => status === "failed").map(({ _id }) => _id);
  const found = await letters(database).find().sort({ _id: 1 }).toArray();
  assertEquals(found.map(({ _id }) => _id), failed, what);
  for (const { _pull } of stored) assert((_pull?.attempts ?? 0) <= MAX_ATTEMPTS, what);
  for (const id of [2, 5]) assert(failed.includes(id), what);
}

Deno.test("Settler: for any answer of the server to any write of an outcome, no document is lost, runs too often, or fails without a letter", async () => {
  await using server = await startMongod({ replicaSet: true, testCommands: true });
  await using database = new TestDatabase(server.uri, "admin_of_failures");
  const random = testRandom();
  for (const [position, data] of shuffled(random, FAILURES).slice(0, rounds(10)).entries()) {
    await survive(server.uri, database.client, data, position % 5 === 0 ? 4 : 1);
  }
});
