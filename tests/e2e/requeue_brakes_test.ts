import { assert, assertEquals, assertMatch } from "@std/assert";
import { BSON } from "mongodb";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, upTo } from "../support/documents.ts";
import { DEAD_AT, insertFailed, lettersOf } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const LATER = new Date(Date.now() + 7_200_000);

Deno.test("requeue sets back neither what has run since it began, nor what was canceled since", async () => {
  await using db = await testDatabase("requeue since");
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
  const documents = documentsOf(db);
  const canceled = { canceled: { at: DEAD_AT } } as never;
  const tried = (at: Date) => ({
    visible_at: LATER,
    attempts: 1,
    errors: [{ at, attempt: 1, message: "no" }],
  });
  await documents.insertMany([
    ...[1, 2, 3].map((_id) => ({ _id, status: "canceled", _pull: canceled })),
    ...[4, 5].map((_id) => ({ _id, status: "pending", _pull: tried(DEAD_AT) as never })),
  ]);
  const [, before] = / --before (\S+)/.exec(
    (await home.run("requeue", "--filter", "{}", "--dry-run")).stderr,
  )!;
  // While a requeue is under way, an operator cancels one document anew, and an attempt of another fails.
  const since = new Date(Date.parse(before!) + 1);
  await documents.updateOne({ _id: 1 }, { $set: { "_pull.canceled.at": since } });
  await documents.updateOne({ _id: 4 }, { $set: { _pull: tried(since) as never } });
  const goOn = ["requeue", "--before", before!, "--filter", '{"status": {"$in": ["canceled", "pending"]}}'];
  const update = proxy.hold({ command: "update", collection: "documents" });
  const command = await home.start({ args: goOn });
  await update.arrived;
  await documents.updateOne({ _id: 2 }, { $set: { "_pull.canceled.at": since } });
  await documents.updateOne({ _id: 5 }, { $set: { _pull: tried(since) as never } });
  update.pass();
  assertEquals((await command.exit()).code, 0);
  assertMatch(command.stderr, /^3 documents are selected \(2 canceled, 1 pending\), with --before /m);
  assertMatch(command.stderr, /^1 requeued; left alone: 2 changed meanwhile$/m);
  const visible = async (_id: number) => (await documents.findOne({ _id }))!._pull!.visible_at;
  assertEquals(
    (await documents.find({ status: "canceled" }).toArray()).map(({ _id }) => _id),
    [1, 2],
  );
  assertEquals([await visible(4), await visible(5)], [LATER, LATER]);
  // A time to come would let a requeue meet again and again what agents process meanwhile.
  const future = await home.run("requeue", "--failed", "--before", "2999-01-01", "--dry-run");
  assert(Date.parse(/ --before (\S+)/.exec(future.stderr)![1]!) < LATER.getTime(), future.stderr);
});

Deno.test("requeue of more than 1000 documents changes nothing unless --limit tells how many", async () => {
  await using db = await testDatabase("requeue brake");
  await using home = await agentHome({ db });
  await documentsOf(db).insertMany(
    upTo(1001).map((_id) => ({ _id, status: _id % 7 === 0 ? "failed" : "processed", processed_at: DEAD_AT })),
  );
  const args = ["requeue", "--filter", '{"status": {"$exists": true}}'];
  const refused = await home.run(...args);
  assertEquals([refused.code, refused.stdout], [1, ""]);
  assertMatch(
    refused.stderr,
    /^1001 documents are selected \(143 failed, 858 processed\), with --before \S+Z\npulling-agent: Nothing is changed, because more than 1000 documents may be selected: to requeue them, add --limit 1001\n$/m,
  );
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 0);
  assertMatch((await home.run(...args, "--limit", "7")).stderr, /^7 requeued$/m);
});

Deno.test("requeue of documents that cannot be counted in time needs --limit, and leaves new ones out", async () => {
  await using db = await testDatabase("requeue uncounted");
  await using home = await agentHome({ db });
  await documentsOf(db).insertMany(
    upTo(30).map((_id) => _id <= 10 ? { _id, status: "canceled" } : { _id, status: "pending" }),
  );
  const configureFailPoint = "failCommand";
  const data = { failCommands: ["aggregate"], errorCode: 50, namespace: `${db.name}.documents` };
  const failPoint = (mode: unknown) => db.client.db("admin").command({ configureFailPoint, mode, data });
  const args = ["requeue", "--filter", '{"status": {"$in": ["pending", "canceled"]}}'];
  await failPoint("alwaysOn");
  try {
    const refused = await home.run(...args);
    assertEquals(refused.code, 1);
    assertMatch(
      refused.stderr,
      /^The documents that are selected cannot be counted in 5 s: all are read, .*\n.* to requeue them, add --limit N$/m,
    );
    const { code, stderr } = await home.run(...args, "--limit", "7");
    assertEquals(code, 0);
    assertMatch(stderr, /^7 requeued$/m);
    assertMatch(
      (await home.run(...args, "--limit", "7")).stderr,
      /^3 requeued; left alone: 7 pending and due/m,
    );
  } finally {
    await failPoint("off");
  }
});

Deno.test("requeue counts a document whose letter it may not remove, and a strange document keeps no other from being set back", async () => {
  await using db = await testDatabase("requeue strange");
  await using home = await agentHome({ db });
  const unreadable = new BSON.BSONRegExp("(?i)a(?<", "x");
  await insertFailed(db, [1]);
  await db.db.collection<AnyDocument>("documents").insertMany([
    { _id: { unreadable }, status: "failed" },
    { _id: 2, status: "failed", _pull: { dead_at: unreadable } },
  ]);
  const failPoint = async (mode: unknown, errorCode: number) =>
    await db.client.db("admin").command({
      configureFailPoint: "failCommand",
      mode,
      data: { failCommands: ["delete"], namespace: `${db.name}.documents_dead_letters`, errorCode },
    });
  const requeueFailing = async (errorCode: number) => {
    await failPoint("alwaysOn", errorCode);
    try {
      return await home.run("requeue", "--failed");
    } finally {
      await failPoint("off", errorCode);
    }
  };
  const [Unauthorized, CommandNotSupportedOnView] = [13, 166];
  const first = await requeueFailing(Unauthorized);
  assertEquals(first.code, 1);
  assertMatch(first.stderr, /^3 of 3 requeued before it failed\nThe same command/m);
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 3);
  assertEquals((await home.run("dead-letters", "list")).stderr, "0 dead letters\n");
  await lettersOf(db).deleteMany({});
  await insertFailed(db, [3]);
  const second = await requeueFailing(CommandNotSupportedOnView);
  assertEquals(second.code, 1);
  assertMatch(
    second.stderr,
    /^3 is requeued, and its dead letter stays, as its removal was refused: .+\n1 requeued; 1 refused$/m,
  );
  assertMatch(
    (await home.run("requeue", "--failed")).stderr,
    /^1 dead letters were stale, and are removed$/m,
  );
});

Deno.test("requeue shows some of the documents that an index refuses, counts all, and sets back the rest", async () => {
  await using db = await testDatabase("requeue refused");
  await using home = await agentHome({ db });
  await db.db.collection<AnyDocument>("documents").insertMany(
    upTo(30).map((_id) => ({ _id, status: "failed", ...(_id > 1 && { key: 1 }) })),
  );
  await documentsOf(db).createIndex({ key: 1 }, {
    unique: true,
    partialFilterExpression: { status: "pending", key: 1 },
  });
  const { code, stderr } = await home.run("requeue", "--failed");
  assertEquals([code, stderr.match(/ was refused: E11000 duplicate key error /g)?.length], [1, 20], stderr);
  assertMatch(stderr, /^More refusals are counted, and not shown\n2 requeued; 28 refused$/m);
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 2);
});

Deno.test("requeue --id changes nothing if the id may mean several documents, and takes one that is typed exactly", async () => {
  await using db = await testDatabase("requeue ids");
  await using home = await agentHome({ db });
  const documents = db.db.collection<AnyDocument>("documents");
  await documents.insertMany(["5", 5, 6].map((_id) => ({ _id, status: "processed" })));
  const { code, stderr } = await home.run("requeue", "--id", "5", "--id", "6");
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^2 documents have an id that "5" may mean: type it as Extended JSON, .+\n1 requeued\n$/,
  );
  assertEquals(await documents.distinct("_id", { status: "pending" }), [6]);
  assertEquals((await home.run("requeue", "--id", '"5"')).stderr, "1 requeued\n");
  assertEquals(await documents.distinct("_id", { status: "pending" }), [6, "5"]);
});
