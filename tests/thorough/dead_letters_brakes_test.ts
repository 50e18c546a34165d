import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, upTo } from "../support/documents.ts";
import { DEAD_AT, insertFailed, lettersOf, source } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const LATER = new Date(Date.now() + 7_200_000);

Deno.test("dead-letters redrive and purge of more than 1000 letters change nothing unless --limit tells how many", async () => {
  await using db = await testDatabase("letters brake");
  await using home = await agentHome({ db });
  await insertFailed(db, upTo(1001));
  const run = (...args: string[]) => home.run("dead-letters", ...args);
  for (const act of ["redrive", "purge"]) {
    const { code, stdout, stderr } = await run(act, "--all");
    assertEquals([code, stdout], [1, ""]);
    assertEquals(
      stderr,
      "1001 letters are selected\npulling-agent: Nothing is changed, because more than 1000 letters may be " +
        `selected: to ${act} them, add --limit 1001\n`,
    );
  }
  assertEquals(await lettersOf(db).countDocuments(), 1001);
  const dry = await run("redrive", "--all", "--dry-run");
  assertEquals([dry.code, dry.stdout.trimEnd().split("\n").length], [0, 1001]);

  // A count that takes too long is as good as a large one.
  const configureFailPoint = "failCommand";
  const [MaxTimeMSExpired, namespace] = [50, `${db.name}.documents_dead_letters`];
  const data = { failCommands: ["aggregate"], errorCode: MaxTimeMSExpired, namespace };
  await db.client.db("admin").command({ configureFailPoint, mode: { times: 1 }, data });
  assertEquals(
    (await run("purge", "--filter", '{"_id": 1}')).stderr,
    "The letters that are selected cannot be counted in 5 s\npulling-agent: Nothing is changed, because more " +
      "than 1000 letters may be selected: to purge them, add --limit N\n",
  );
  assertMatch((await run("redrive", "--all", "--limit", "7")).stderr, /^7 redriven$/m);
  assertMatch((await run("purge", "--all", "--limit", "5")).stderr, /^5 purged$/m);
  assertEquals(await lettersOf(db).countDocuments(), 1001 - 7 - 5);
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 7);
});

Deno.test("dead-letters redrive and purge send a few commands for hundreds of letters, and smaller ones at a low --rate", async () => {
  await using db = await testDatabase("letters round trips");
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
  await insertFailed(db, upTo(800));
  const sent = async (...args: string[]) => {
    const commands = await proxy.record(() => home.run("dead-letters", ...args));
    return commands.filter(({ command }) => command === "update" || command === "delete").length;
  };
  assertEquals(await sent("redrive", "--all", "--rate", "100", "--limit", "30"), 2 * 3);
  assertEquals(await sent("redrive", "--all", "--limit", "400"), 2 * 2);
  assertEquals(await sent("purge", "--all", "--rate", "100", "--limit", "30"), 3);
  assertEquals(await sent("purge", "--all"), 2);
  assertEquals(await lettersOf(db).countDocuments(), 0);
  assertEquals(await documentsOf(db).countDocuments({ status: "failed" }), 370);
});

Deno.test("dead-letters redrive writes many documents together, and leaves those that change meanwhile, or are refused, with their letters", async () => {
  await using db = await testDatabase("letters bulk");
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
  const documents = db.db.collection<AnyDocument>("documents");
  const letters = lettersOf(db);
  await insertFailed(db, upTo(150));
  await documents.insertOne({ _id: 1000, status: "pending", key: 1 });
  await documents.createIndex({ key: 1 }, {
    unique: true,
    partialFilterExpression: { status: "pending", key: 1 },
  });
  await documents.updateOne({ _id: 3 }, { $set: { key: 1 } });

  const update = proxy.hold({ command: "update", collection: "documents" });
  const command = await home.start({ args: ["dead-letters", "redrive", "--all"] });
  await update.arrived;
  // One is deleted, one was reset by hand, and one has failed again.
  await documents.deleteOne({ _id: 4 });
  await documents.updateOne({ _id: 5 }, { $set: { status: "pending" }, $unset: { _pull: "" } });
  await documents.updateOne({ _id: 6 }, { $set: { "_pull.dead_at": LATER } });
  await letters.replaceOne({ _id: 6 }, { error: "again", dead_at: LATER, source: source(db) });
  const read = proxy.hold({ command: "find", collection: "documents" });
  update.pass();
  await Promise.race([read.arrived, command.exit()]);
  // An agent claims, and another processes, what has just been set back.
  await documents.updateOne({ _id: 8, status: "pending" }, { $set: { status: "processing" } });
  await documents.updateOne({ _id: 9, status: "pending" }, {
    $set: { status: "processed" },
    $unset: { _pull: "" },
  });
  read.pass();

  assertEquals((await command.exit()).code, 1, command.stderr);
  assertMatch(command.stderr, /^3 was refused: E11000 duplicate key error /m);
  assertMatch(command.stderr, /^146 redriven; 1 refused; 3 had changed meanwhile and were passed over$/m);
  // That of a deleted document stays until the next command: it is the only copy.
  assertEquals(await letters.find().map(({ _id }) => _id).toArray(), [3, 4, 6]);
  assertEquals((await documents.findOne({ _id: 3 }))!.status, "failed");
  assertEquals((await documents.findOne({ _id: 6 }))!._pull.dead_at, LATER);
});

Deno.test("dead-letters redrive counts what it has written if an answer is lost, and says so if it cannot know", async () => {
  await using db = await testDatabase("letters lost answers");
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
  await insertFailed(db, upTo(30));
  const once = [
    proxy.loseAnswers({ command: "update", collection: "documents" }),
    proxy.loseAnswers({ command: "delete", collection: "documents_dead_letters" }),
  ];
  const { code, stderr } = await home.run("dead-letters", "redrive", "--all");
  assertEquals([code, ...once.map(({ count }) => count)], [0, 1, 1], stderr);
  assertMatch(stderr, /^30 redriven$/m);

  await documentsOf(db).deleteMany({});
  await insertFailed(db, upTo(30));
  const always = proxy.loseAnswers({ command: "update", collection: "documents" }, 100);
  const failed = await home.run("dead-letters", "redrive", "--all");
  always.stop();
  assertEquals(failed.code, 1);
  assertMatch(failed.stderr, /^at least 0 of 30 redriven before it failed$/m);
  assertEquals(await documentsOf(db).countDocuments({ status: "pending", "_pull.dead_at": null }), 30);
  // The letters are stale, and the next command removes them.
  assertMatch((await home.run("dead-letters", "redrive", "--all")).stderr, /^0 redriven$/m);
  assertEquals(await lettersOf(db).countDocuments({ dead_at: DEAD_AT }), 0);
});
