import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Document, MongoClient, ObjectId } from "mongodb";
import { PermanentError, SourceError } from "../../agent/errors.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { redrive } from "../support/letters_for_commands.ts";
import { testDatabase } from "../support/mongod.ts";
import { AMAZON_5, AMAZON_8 } from "../support/profiles/amazon.ts";
import { type Command, operatorIn, type Profile, queriesOf } from "../support/profiles/profile.ts";
import { SHARDED_6 } from "../support/profiles/sharded.ts";
import { SUPPORTED, UNSUPPORTED } from "../support/profiles/profiles.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";
import { agents } from "../support/ranges.ts";
import { COLLECTION, expireLeases, jobs, letters, openStore, pending } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait.ts";

/** What each server is known to lack. */
const LACKING: Record<string, readonly string[]> = {
  "amazon-5.0": ["nowInReads", "nowInWrites", "bsonSize", "collations", "retryableWrites"],
  "amazon-8.0": ["nowInReads", "nowInWrites"],
  "documentdb-0.107": ["timeAsDate", "nowInReads", "nowInWrites", "collations"],
  azure: ["timeAsDate", "nowInWrites", "collations"],
  "ferretdb-2.7": ["nowInWrites", "collations", "transactions"],
  "sharded-6.0": [],
};

/** A server that answers as `profile` says, with `count` documents, and a store that has not asked it yet. */
async function open(profile: Profile, stack: AsyncDisposableStack, count: number) {
  const server = stack.use(new ProfileServer(profile));
  const database = stack.use(server.database());
  await database.db.createCollection(COLLECTION);
  if (count > 0) await jobs(database).insertMany(pending(count, { tenant: 1 }));
  const place = { uri: server.uri, name: database.name };
  const store = stack.use(openStore(place));
  store.guardSource();
  return { database, place, server, store };
}

for (const profile of SUPPORTED) {
  Deno.test(`KnownServer: on ${profile.title}, by its profile, documents are claimed, retried, taken over, run alone and become dead letters, and none is blamed for what the server lacks`, async () => {
    await using stack = new AsyncDisposableStack();
    const { database, place, store } = await open(profile, stack, 30);
    const other = stack.use(openStore(place));
    other.guardSource();
    assertEquals((await other.take(3)).documents.length, 3);
    // One of them has been taken over before: it is a suspect now.
    await jobs(database).updateOne({ _id: 0 }, { $set: { "_pull.takeovers": 1 } });
    await expireLeases(jobs(database));
    const runs = new Map<number, number>();
    const handler = ({ _id }: Document) => {
      runs.set(_id, (runs.get(_id) ?? 0) + 1);
      if (_id === 7 && runs.get(_id) === 1) throw new Error("once more");
      if (_id === 8) throw new PermanentError("for good");
    };
    const agent = stack.use(new InProcessAgent(store, handler));
    const left = { status: { $in: ["pending", "processing"] } };
    await waitFor("the end", async () => await jobs(database).countDocuments(left) === 0);
    assertEquals(await jobs(database).distinct("_id", { status: "failed" }), [8]);
    assertEquals(agent.all("runs_alone").map(({ id }) => id), [0]);
    assertEquals([runs.size, runs.get(7)], [30, 2]);
    for (const type of ["settle_rejected", "settle_failed", "claim_refused", "claim_failed"] as const) {
      assertEquals(agent.all(type), [], type);
    }
    const [letter] = await letters(database).find().toArray();
    assertEquals(letter.document, { _id: 8, status: "failed", tenant: 1 });
    assertEquals(store.server.abilities.lacking.map(([name]) => name), LACKING[profile.name]);

    const box = await store.forCommands.letters();
    const [found, ...others] = await Array.fromAsync(box.list({}));
    assertEquals([found!._id, others.length], [8, 0]);
    assert(await redrive(box, found!));
    assert(await (await store.forCommands.cancellation()).cancel(8, undefined) || runs.get(8) === 2);
  });
}

for (const profile of SUPPORTED) {
  Deno.test(`KnownServer: on ${profile.title}, by its profile, commands find out who holds a new document in a range`, async () => {
    await using stack = new AsyncDisposableStack();
    const { database, store } = await open(profile, stack, 2);
    await store.ensureUsable();
    const standingOf = async (id: number) => {
      const [found] = await (await store.forCommands.cancellation()).find(`${id}`);
      return found?.standing;
    };
    assertEquals([await standingOf(0), await standingOf(1)], ["waiting", "waiting"]);
    const range = { from: -1, to: 0, token: "t", owner: "o", visible_at: new Date(Date.now() + 600_000) };
    await agents(database).insertOne({ _id: "ranges", registry: "pulling-agent", ranges: [range] });
    assertEquals([await standingOf(0), await standingOf(1)], ["leased", "waiting"]);
  });
}

for (const profile of UNSUPPORTED) {
  Deno.test(`KnownServer refuses ${profile.title} by its profile in one sentence, and blames no document`, async () => {
    await using stack = new AsyncDisposableStack();
    const { database, store } = await open(profile, stack, 3);
    const { message } = await assertRejects(() => store.take(), SourceError);
    assertMatch(message, /^The server, .* has no \$expr, which claims need: use MongoDB 4.4/);
    assertEquals(await jobs(database).countDocuments({ status: "pending", _pull: { $exists: false } }), 3);
  });
}

Deno.test("KnownServer asks MongoDB once, by three commands that change nothing, and claims are the same then", async () => {
  await using database = await testDatabase("known server");
  await jobs(database).insertMany(pending(10));
  await using proxy = new TcpProxy(database.uri);
  await using store = openStore({ uri: proxy.uri, name: database.name });
  await store.source.ensureUsable();
  await store.take(1);
  const asked = await proxy.record(() => store.ensureUsable(), { withProbes: true });
  assertEquals(asked.map(({ command }) => command).sort(), ["buildInfo", "find", "update"]);
  assertEquals(await jobs(database).countDocuments({ status: "pending", _pull: { $exists: false } }), 9);
  store.guardSource();
  const claim = await proxy.record(() => store.take(5));
  assertEquals(claim.map(({ command }) => command), ["find", "update"]);
  assertEquals([store.server.note?.lacks, store.server.time], [[], "$$NOW"]);
});

Deno.test("KnownServer takes a server that lets it ask nothing for MongoDB, and asks again while nothing can be told", async () => {
  await using database = await testDatabase("known server");
  await database.db.createCollection(COLLECTION);
  const appName = "asks-in-vain";
  await using store = openStore({ name: database.name, uri: `${database.uri}&appName=${appName}` });
  await using admin = new MongoClient(database.uri);
  const configure = (command: Document) =>
    admin.db("admin").command({ configureFailPoint: "failCommand", ...command });
  await configure({ mode: "alwaysOn", data: { appName, failCommands: ["find", "update"], errorCode: 4242 } });
  await store.ensureUsable();
  await configure({ mode: "off" });
  assertEquals([store.server.abilities.lacking, store.server.isUsable], [[], false]);
  await store.ensureUsable();
  assertEquals([store.server.abilities.lacking, store.server.isUsable], [[], true]);
});

Deno.test("KnownServer connects anew without retryable writes if the server refuses them, and no claim fails for it", async () => {
  await using stack = new AsyncDisposableStack();
  const { database, server, store } = await open(AMAZON_5, stack, 2);
  const reachable: boolean[] = [];
  store.listen({ onReachable: (is) => reachable.push(is), onRenewed() {}, onStale() {} });
  const { documents } = await store.take();
  const asked = server.refusals.get("retryable writes");
  assertEquals((await store.ack(documents.map((document) => ({ document, set: { n: 1 } })))).matched, 2);
  assertEquals(server.refusals.get("retryable writes"), asked, "no later write has a number");
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 2);
  assertEquals(reachable.filter((is) => !is), []);
});

Deno.test("claim() asks the server again if it refuses what it was known to have, as another kind of server may answer by now", async () => {
  await using stack = new AsyncDisposableStack();
  const { store } = await open(AMAZON_8, stack, 2);
  await store.ensureUsable();
  // As if MongoDB had answered before.
  store.server.abilities.probed(["nowInReads", "nowInWrites"], new Map());
  const error = await assertRejects(() => store.take(), Error, "$$NOW");
  assertEquals([store.isTransient(error), store.isForbidden(error), store.isDoubtful(error)], [
    true,
    true,
    true,
  ]);
  assertEquals((await store.take()).documents.length, 2);
  assertEquals(store.server.abilities.lacks("nowInReads"), true);
});

Deno.test("KnownServer behind a load balancer, which has no heartbeats, asks what the server lacks once, and takes it for what it is", async () => {
  const asked: string[] = [];
  const note = ({ name, collection }: Command) => void asked.push(`${name} ${collection}`);
  await using stack = new AsyncDisposableStack();
  const { store } = await open(
    {
      ...SHARDED_6,
      hello: (real, address) => ({ ...SHARDED_6.hello(real, address), serviceId: new ObjectId() }),
      rows: [{ what: "asked", basis: "assumed", source: "this test", shows: { answers: note } }],
      uriOptions: "loadBalanced=true",
    },
    stack,
    3,
  );
  for (let each = 0; each < 3; each++) assertEquals((await store.take(1)).documents.length, 1);
  // One is the question, and three are claims.
  assertEquals(asked.filter((name) => name === `update ${COLLECTION}`).length, 4);
  assertEquals([store.server.isUsable, store.server.note?.name], [true, "MongoDB 6.0.27"]);
});

Deno.test("KnownServer takes MongoDB that refuses expressions for a while for a server in trouble, and not for one without them", async () => {
  let isInTrouble = true;
  await using stack = new AsyncDisposableStack();
  const { store } = await open(
    {
      ...SHARDED_6,
      rows: [{
        what: "trouble",
        basis: "assumed",
        source: "this test",
        shows: {
          refuses: (command) => isInTrouble && operatorIn(queriesOf(command), new Set(["$expr"])),
          with: { code: 1, codeName: "InternalError", errmsg: "out of sorts: {}" },
        },
      }],
    },
    stack,
    3,
  );
  const error = await assertRejects(() => store.take(), Error, "out of sorts");
  assertEquals(error instanceof SourceError, false);
  isInTrouble = false;
  assertEquals((await store.take()).documents.length, 3);
  assertEquals([store.server.isUsable, store.server.abilities.lacking], [true, []]);
});
