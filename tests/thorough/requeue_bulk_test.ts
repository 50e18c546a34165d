import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, upTo } from "../support/documents.ts";
import { DEAD_AT, insertFailed, lettersOf, source } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const LATER = new Date(Date.now() + 7_200_000);
const LEASED = { status: "processing", _pull: { visible_at: LATER, token: "t", owner: "a", attempts: 1 } };

Deno.test("requeue writes many documents together, and leaves those that change meanwhile, or are refused, with their letters", async () => {
  await using db = await testDatabase("requeue bulk");
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
  const documents = db.db.collection<AnyDocument>("documents");
  const [letters, count] = [lettersOf(db), 250];
  await insertFailed(db, upTo(count));
  await documents.insertOne({ _id: 1000, status: "pending", key: 1 });
  await documents.createIndex({ key: 1 }, {
    unique: true,
    partialFilterExpression: { status: "pending", key: 1 },
  });
  await documents.updateOne({ _id: 3 }, { $set: { key: 1 } });

  const update = proxy.hold({ command: "update", collection: "documents" });
  const command = await home.start({ args: ["requeue", "--failed"] });
  await update.arrived;
  // One is deleted, one is decided anew, one fails again, and an agent holds one.
  await documents.deleteOne({ _id: 4 });
  await documents.updateOne({ _id: 5 }, { $set: { status: "processing" } });
  await documents.updateOne({ _id: 6 }, { $set: { "_pull.dead_at": LATER } });
  await letters.replaceOne({ _id: 6 }, { error: "again", dead_at: LATER, source: source(db) });
  await documents.updateOne({ _id: 7 }, { $set: LEASED });
  const read = proxy.hold({ command: "find", collection: "documents" });
  update.pass();
  await Promise.race([read.arrived, command.exit()]);
  // Agents claim, and process, what has just been set back.
  await documents.updateOne({ _id: 8, status: "pending" }, { $set: LEASED });
  await documents.updateOne({ _id: 9, status: "pending" }, {
    $set: { status: "processed" },
    $unset: { _pull: "" },
  });
  read.pass();

  const { code } = await command.exit();
  assertEquals(code, 1, command.stderr);
  assertMatch(command.stderr, /^3 was refused: E11000 duplicate key error /m);
  assertMatch(command.stderr, /^245 requeued; 1 refused; left alone: 4 changed meanwhile$/m);
  // The letter of a document that is not such a dead letter any more is stale.
  assertEquals(await letters.find().map(({ _id }) => _id).toArray(), [3, 4, 5, 6]);
  const statuses = async (...ids: number[]) =>
    await Promise.all(ids.map(async (_id) => (await documents.findOne({ _id }))!.status));
  assertEquals(await statuses(3, 5, 6, 7), ["failed", "processing", "failed", "processing"]);
  assertEquals((await documents.findOne({ _id: 7 }))!._pull, LEASED._pull);
  assertEquals(await documents.countDocuments({ status: "pending" }), 1 + 245 - 2);
});

Deno.test("requeue counts what it has written if an answer is lost, and says so if it cannot know", async () => {
  await using db = await testDatabase("requeue lost answers");
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
  const pending = () => documentsOf(db).countDocuments({ status: "pending", "_pull.dead_at": null });
  await insertFailed(db, upTo(30));
  const once = [
    proxy.loseAnswers({ command: "update", collection: "documents" }),
    proxy.loseAnswers({ command: "delete", collection: "documents_dead_letters" }),
  ];
  const { code, stderr } = await home.run("requeue", "--failed");
  assertEquals([code, ...once.map(({ count }) => count)], [0, 1, 1], stderr);
  assertMatch(stderr, /^30 requeued$/m);
  assertEquals([await pending(), await lettersOf(db).countDocuments()], [30, 0]);

  await documentsOf(db).deleteMany({});
  await insertFailed(db, upTo(30));
  const always = proxy.loseAnswers({ command: "update", collection: "documents" }, 100);
  const failed = await home.run("requeue", "--failed");
  always.stop();
  assertEquals(failed.code, 1);
  assertMatch(failed.stderr, /^at least 0 of 30 requeued before it failed$/m);
  assertEquals([await pending(), await lettersOf(db).countDocuments()], [30, 30]);
  assertMatch(
    (await home.run("requeue", "--failed")).stderr,
    /^30 dead letters were stale, and are removed$/m,
  );
  assertEquals(await lettersOf(db).countDocuments({ dead_at: DEAD_AT }), 0);
});

Deno.test("requeue sends a few commands for hundreds of documents, and smaller ones at a low --rate", async () => {
  await using db = await testDatabase("requeue round trips");
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
  await insertFailed(db, upTo(400));
  const sent = async (...args: string[]) => {
    const commands = await proxy.record(() => home.run("requeue", "--failed", ...args));
    return commands.filter(({ command }) => command === "update" || command === "delete").length;
  };
  assertEquals(await sent("--rate", "100", "--limit", "30"), 2 * 3);
  assertEquals(await sent(), 2 * 2);
  assertEquals(await lettersOf(db).countDocuments(), 0);
});
