import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { GATED, MARKING } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";
import { type AnyDocument, LONG_AGO } from "../support/store.ts";
import { expired } from "../support/suspects.ts";

const UNTIL_EMPTY = { args: ["run", "--until-empty"] };
/** Long enough that only hints and the agent's own schedule can wake it. */
const RARELY = { POLL_INTERVAL: "1h" };

Deno.test("run --until-empty ends at once if there is nothing to do, and says so", async () => {
  await using db = await testDatabase("until empty");
  await using home = await agentHome({ db, env: RARELY });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 0);
  assertEquals((await agent.log("Nothing claimable is left")).processed, 0);
});

Deno.test("run --until-empty says of a collection in which nothing is pending how much is in it", async () => {
  await using db = await testDatabase("until empty");
  await documentsOf(db).insertMany([{ n: 1 }, { status: "new" }, { status: "processed" }] as AnyDocument[]);
  await using home = await agentHome({ db, env: RARELY });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 0);
  assertEquals(
    (await agent.log('No document of the collection has status "pending" and is due')).documents,
    3,
  );
  const filtered = await home.start({ ...UNTIL_EMPTY, env: { FILTER: '{"n": 1}' } });
  assertEquals((await filtered.exit()).code, 0);
  await filtered.log('No document of the collection has status "pending" and matches FILTER and is due');
});

Deno.test("run reports once why it does nothing, and not if it has found something", async () => {
  await using db = await testDatabase("until empty");
  await documentsOf(db).insertMany([{ status: "new" }] as AnyDocument[]);
  await using home = await agentHome({ db });
  const idle = await home.startReady();
  await idle.log("No document of the collection");
  await insertPending(db, [1]);
  await idle.log("Processed documents");
  idle.signal("SIGTERM");
  await idle.exit();
  assertEquals(idle.entries.filter(({ message }) => message.startsWith("No document of")).length, 1);
  await insertPending(db, [2]);
  const busy = await home.start(UNTIL_EMPTY);
  await busy.exit();
  assertEquals(busy.hasLogged("No document of"), false);
});

Deno.test("run --until-empty ends after the work, retries, suspects and dead letters of its own, and says how much it was", async () => {
  await using db = await testDatabase("until empty");
  const documents = documentsOf(db) as AnyDocument;
  await insertPending(db, upTo(250));
  await documents.insertMany([
    ...["flaky-1", "flaky-2", "hopeless"].map((_id) => ({ _id, status: "pending" })),
    ...["a", "b", "c"].map((name) => expired(`suspect-${name}`, { takeovers: 1 })),
    expired("poison", { takeovers: 3, alone: 2, attempts: 2 }),
    expired("once"),
    { _id: "due", status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1 } },
  ]);
  const module = `
    const tries = new Map();
    export default async ({ _id }) => {
      const n = (tries.get(_id) ?? 0) + 1;
      tries.set(_id, n);
      // The turn of the suspects is over before all of them have been.
      if (String(_id).startsWith("suspect")) await new Promise((resolve) => setTimeout(resolve, 600));
      if (_id === "hopeless" || (String(_id).startsWith("flaky") && n < 3)) throw new Error("not now");
    };`;
  await using home = await agentHome({
    db,
    module,
    env: { ...RARELY, MAX_ATTEMPTS: "3", CHANGE_STREAM: "off" },
  });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 0);
  assertEquals((await agent.log("Nothing claimable is left")).processed, 257);
  const failed = await documents.find({ status: { $ne: "processed" } }).sort({ _id: 1 }).toArray();
  assertEquals(failed.map(({ _id, status }: AnyDocument) => [_id, status]), [["hopeless", "failed"], [
    "poison",
    "failed",
  ]]);
});

Deno.test("run --until-empty leaves alone what others hold and what is not due, and ends", async () => {
  await using db = await testDatabase("until empty");
  const documents = await insertPending(db, [1]) as AnyDocument;
  const later = new Date(Date.now() + 3_600_000);
  await documents.insertMany([
    { _id: 2, status: "processing", _pull: { token: "another agent's", visible_at: later, attempts: 1 } },
    { _id: 3, status: "pending", _pull: { visible_at: later } },
    { _id: 4, status: "processing" },
    { _id: 5, status: "failed" },
  ]);
  await using home = await agentHome({ db, env: RARELY });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 0);
  assertEquals((await agent.log("Nothing claimable is left")).processed, 1);
  assertEquals((await documents.find().sort({ _id: 1 }).toArray()).map(({ status }: AnyDocument) => status), [
    "processed",
    "processing",
    "pending",
    "processing",
    "failed",
  ]);
});

Deno.test("run --until-empty waits while it is paused, and does the work once it is resumed", async () => {
  await using db = await testDatabase("until empty");
  const documents = await insertPending(db, upTo(3));
  await using home = await agentHome({ db, module: MARKING, env: RARELY });
  await Deno.writeTextFile(home.controlFile, "pause");
  const agent = await home.start(UNTIL_EMPTY);
  await agent.untilStatus("it to be paused", ({ state }) => state === "paused");
  await agent.log("MongoDB is in reach");
  assert(!agent.ended && !agent.hasLogged("Draining"));
  assertEquals(await home.marks(), []);
  agent.signal("SIGUSR2");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(await documents.countDocuments({ status: "processed" }), 3);
});

Deno.test("run --until-empty that is stopped does not report that nothing is left", async () => {
  await using db = await testDatabase("until empty");
  await insertPending(db, upTo(3));
  await using home = await agentHome({ db, module: GATED, env: { ...RARELY, CONCURRENCY: "1" } });
  const agent = await home.start(UNTIL_EMPTY);
  await home.untilMarked("start 1");
  agent.signal("SIGTERM");
  await agent.log("Draining");
  await home.write("marks.go", "");
  // For Kubernetes a Job whose pod exits with 0 has succeeded, an evicted one too.
  assertEquals((await agent.exit()).code, 1);
  assert(!agent.hasLogged("Nothing claimable is left"), agent.output);
  assertEquals((await agent.log("Stopped before nothing was left")).reason, "SIGTERM");
});

Deno.test("run --until-empty processes documents that a unique index lets in one by one, and fails if an outcome cannot be written", async () => {
  await using db = await testDatabase("until empty");
  const documents = documentsOf(db);
  await documents.createIndex({ customer: 1 }, {
    unique: true,
    partialFilterExpression: { status: "processing" },
  });
  await documents.insertMany(upTo(6).map((_id) => ({ _id, customer: 1, status: "pending" })));
  const module = `export default () => new Promise((resolve) => setTimeout(resolve, 50));`;
  await using home = await agentHome({ db, module, env: RARELY });
  const done = await home.start(UNTIL_EMPTY);
  assertEquals((await done.exit()).code, 0, done.output);
  assertEquals(await documents.countDocuments({ status: "processed" }), 6, done.output);

  await db.db.command({ collMod: "documents", validator: { status: { $ne: "failed" } } });
  await documents.updateMany({}, { $set: { status: "pending" }, $unset: { _pull: "", customer: "" } });
  await home.write(
    "failing.js",
    `export default () => { throw Object.assign(new Error("no"), { permanent: true }); };`,
  );
  const PROCESSOR = `module:${home.dir}/failing.js`;
  await documents.dropIndexes();
  const refused = await home.start({ ...UNTIL_EMPTY, env: { PROCESSOR } });
  assertEquals((await refused.exit()).code, 1, refused.output);
  assertEquals((await refused.log("Documents are left whose outcome MongoDB refuses")).documents, 6);
});

Deno.test("run --until-empty, several at once, share the work, and all end", async () => {
  await using db = await testDatabase("until empty");
  const documents = await insertPending(db, upTo(3000));
  await using one = await agentHome({ db, env: RARELY });
  await using two = await agentHome({ db, env: RARELY });
  const agents = await Promise.all([one, two].map((home) => home.start(UNTIL_EMPTY)));
  for (const agent of agents) assertEquals((await agent.exit()).code, 0);
  assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), 3000);
  const said = await Promise.all(agents.map((agent) => agent.log("Nothing claimable is left")));
  assertEquals(said.reduce((sum, { processed }) => sum + (processed as number), 0), 3000);
});
