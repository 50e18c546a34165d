import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { UnansweredWritesError } from "../../agent/partial_writes.ts";
import { NoTransactionsError } from "../../agent/store/effects/transaction_errors.ts";
import { acksOf, invoiced, invoiceFor, TARGET } from "../support/effects.ts";
import { FailingServer } from "../support/failing_server.ts";
import { Guarded } from "../support/guarded.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { TestDatabase, testDatabase } from "../support/mongod.ts";
import { COLLECTION, jobs, openStore, pending } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const SENTENCE = "The processor asks for writes, which needs a transaction: MongoDB must be a replica set " +
  "(one of a single member will do) or a sharded cluster";

Deno.test("Effect writes on a standalone server fail without a try, by one sentence, and are no document's fault", async () => {
  await using database = await testDatabase("effect setups", { standalone: true });
  await using proxy = new TcpProxy(database.uri);
  await using store = openStore({ uri: proxy.uri, name: database.name });
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take();
  let error!: UnansweredWritesError;
  const recorded = await proxy.record(async () => {
    error = await assertRejects(() => store.ackWithWrites(acksOf(documents)), UnansweredWritesError);
  });
  assertEquals(recorded.filter(({ collection }) => collection === COLLECTION), []);
  const { cause } = error;
  assertInstanceOf(cause, NoTransactionsError);
  assertEquals([cause.message, error.unmade.size, error.isApart], [SENTENCE, 2, false]);
  assert(store.isTransient(cause) && store.isForbidden(cause) && !store.isDoubtful(cause));
});

Deno.test("Effect writes on a server that says only then that it has no transactions fail by the same sentence", async () => {
  await using server = await FailingServer.start();
  await using database = server.database();
  await jobs(database).insertMany(pending(2));
  await using store = openStore({ uri: `${database.uri}&appName=compatible`, name: database.name });
  const { documents } = await store.take();
  for (const errorCode of [115, 238, 263]) {
    await server.fail("compatible", { failCommands: ["update"], errorCode }, { times: 1 });
    const error = await assertRejects(() => store.ackWithWrites(acksOf(documents)), UnansweredWritesError);
    assertInstanceOf(error.cause, NoTransactionsError, String(errorCode));
    assertEquals([error.cause.message, error.unmade.size], [SENTENCE, 2]);
  }
  assertEquals((await store.ackWithWrites(acksOf(documents))).matched, 2);
});

Deno.test("Agent without transactions holds documents that ask for writes, processes the others, and releases those when it drains", async () => {
  await using database = await testDatabase("effect setups", { standalone: true });
  await using store = openStore(database);
  await jobs(database).insertMany(pending(20));
  await using agent = new InProcessAgent(
    store,
    ({ _id }) => Number(_id) % 2 === 0 ? { writes: [invoiceFor(_id)] } : undefined,
  );
  await agent.until("the others to be processed", () => agent.count("processed") === 10);
  const { error, isLasting, kind } = await agent.event("settle_failed");
  assertEquals([isLasting, kind], [true, "ack_with_writes"]);
  assertInstanceOf(error, NoTransactionsError);
  const { abandoned, released } = await agent.drain();
  assertEquals([abandoned, released], [0, 10]);
  assertEquals([agent.all("retried"), agent.all("dead_lettered"), agent.all("force_started")], [[], [], []]);
  assertEquals(await jobs(database).countDocuments({ status: "pending", "_pull.attempts": 0 }), 10);
  assertEquals(await invoiced(database), []);
});

Deno.test("Effect writes to a collection without the right to it wait apart, as long as the right is missing", async () => {
  await using guarded = await Guarded.start();
  const admin = guarded.client.db("admin");
  const privilege = (collection: string) => ({
    resource: { db: "shop", collection },
    actions: ["find", "insert", "update", "remove"],
  });
  const privileges = [COLLECTION, "receipts"].map(privilege);
  await admin.command({ createRole: "clerk", privileges, roles: [] });
  await admin.command({ createUser: "agent", pwd: "password", roles: ["clerk"] });
  const database = new TestDatabase(guarded.server.uri, "shop");
  await using _client = { [Symbol.asyncDispose]: () => database.client.close() };
  const documents = guarded.client.db("shop").collection<{ _id: number }>(COLLECTION);
  await documents.insertMany(pending(20));
  await using store = openStore({ uri: guarded.uri("password"), name: "shop" });
  await using agent = new InProcessAgent(store, ({ _id }) => ({
    writes: [{ collection: Number(_id) % 4 === 0 ? TARGET : "receipts", insertOne: { order: _id } }],
  }));
  await agent.until("those with the right to be processed", () => agent.count("processed") === 15);
  const { isLasting, error } = await agent.event("settle_failed");
  assert(isLasting);
  assert(String(error).includes("not authorized on shop"), String(error));
  await admin.command({ updateRole: "clerk", privileges: [...privileges, privilege(TARGET)] });
  await agent.until("all to be processed", () => agent.count("processed") === 20);
  assertEquals(await documents.distinct("_pull.attempts"), [1]);
  assertEquals(await guarded.client.db("shop").collection(TARGET).countDocuments(), 5);
  assertEquals(agent.count("unconfirmed") + agent.count("lease_lost"), 0);
});

Deno.test("Effect writes go on in a session of the new client when the connection string changes within a transaction", async () => {
  await using database = await testDatabase("effect setups");
  await using proxy = new TcpProxy(database.uri);
  const uris = [`${proxy.uri}&appName=first`, `${proxy.uri}&appName=second`];
  await using store = openStore({ uri: uris[0]!, name: database.name });
  const renewed = Promise.withResolvers<void>();
  store.listen({ onReachable() {}, onRenewed: () => renewed.resolve(), onStale() {} });
  await jobs(database).insertMany(pending(4));
  const { documents } = await store.take();
  const { arrived, pass } = proxy.hold({ command: "insert", collection: TARGET });
  const first = store.ackWithWrites(acksOf(documents.slice(0, 2)));
  await arrived;
  store.follow({ read: () => Promise.resolve(uris[1]!), onUri() {} });
  await renewed.promise;
  pass();
  assertEquals((await first).matched, 2);
  assertEquals((await store.ackWithWrites(acksOf(documents.slice(2)))).matched, 2);
  assertEquals(await invoiced(database), [0, 1, 2, 3]);
});
