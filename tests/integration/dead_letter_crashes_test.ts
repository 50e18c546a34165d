import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { LeasedDocument } from "../../agent/ports.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import {
  COLLECTION,
  expireLeases,
  jobs,
  letters,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";
import { type CommandMatch, TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait.ts";

/** The three writes that make a dead letter, in their order. */
const VERDICT = { command: "update", collection: COLLECTION, part: "$currentDate" };
const COPY = { command: "aggregate", collection: COLLECTION };
const MARK = { command: "update", collection: COLLECTION, part: '"failed"' };

/** Has an agent begin a dead letter and die before it makes `write`. */
async function dieBefore(database: TestDatabase, write: CommandMatch): Promise<void> {
  await using proxy = new TcpProxy(database.uri);
  const store = openStore({ uri: proxy.uri, name: database.name });
  const document = await store.takeOne();
  const held = proxy.hold(write);
  const unfinished = store.deadLetter(document, "fails for good");
  const failure = assertRejects(() => unfinished);
  await held.arrived;
  await store.close();
  await failure;
}

/** Has an agent begin a dead letter and stand still before it makes `write`. */
async function standStillBefore(
  { store, proxy, document }: { store: TestStore; proxy: TcpProxy; document: LeasedDocument },
  write: CommandMatch,
) {
  const held = proxy.hold(write);
  const result = store.deadLetter(document, "fails for good");
  await held.arrived;
  return { result, goOn: () => held.pass() };
}

Deno.test("deadLetter(): killed before the verdict, a document has none: it is handled again", async () => {
  await using database = await testDatabase("dead letter crashes");
  await jobs(database).insertMany(pending(1));
  await dieBefore(database, VERDICT);
  await expireLeases(jobs(database));

  await using store = openStore(database);
  let runs = 0;
  await using agent = new InProcessAgent(store, () => void runs++);
  await agent.event("processed");
  assertEquals(runs, 1);
  assertEquals(await letters(database).countDocuments(), 0);
});

for (const [when, write] of Object.entries({ copy: COPY, mark: MARK })) {
  Deno.test(`deadLetter(): killed between the verdict and the ${when}, a dead letter is finished by the next holder and no handler runs (4)`, async () => {
    await using database = await testDatabase("dead letter crashes");
    await jobs(database).insertMany(pending(1));
    await dieBefore(database, write);
    const verdict = await jobs(database).findOne();
    assertEquals(verdict.status, "processing");
    assertEquals(await letters(database).countDocuments(), when === "copy" ? 0 : 1);
    await expireLeases(jobs(database));

    await using store = openStore(database);
    let runs = 0;
    await using agent = new InProcessAgent(store, () => void runs++);
    await agent.event("dead_lettered");
    assertEquals(runs, 0);
    const document = await jobs(database).findOne();
    const letter = await letters(database).findOne();
    assertEquals([document.status, document.error], ["failed", "fails for good"]);
    assertEquals([letter.error, letter.attempts, letter.errors.length], ["fails for good", 1, 1]);
    assertEquals(document._pull.dead_at, verdict._pull.dead_at);
    assertEquals(letter.dead_at, verdict._pull.dead_at);
    assertEquals(document._pull.token, undefined);
  });
}

Deno.test("deadLetter(): a verdict without its reason is finished, and its letter and event say that the reason is unknown", async () => {
  await using database = await testDatabase("dead letter crashes");
  await jobs(database).insertMany(pending(1));
  await dieBefore(database, COPY);
  // As if the database had taken the verdict alone.
  await jobs(database).updateOne({ _id: 0 }, { $unset: { error: "", "_pull.errors": "" } });
  await expireLeases(jobs(database));
  await using store = openStore(database);
  await using agent = new InProcessAgent(store, () => {});
  const { error } = await agent.event("dead_lettered");
  assertStringIncludes(error, "an earlier holder decided so");
  const letter = await letters(database).findOne();
  assertStringIncludes(letter.error, "ended before it could write why");
  assertEquals(letter.errors, []);
});

Deno.test("deadLetter(): a verdict taken over finds its document deleted: no letter is made", async () => {
  await using database = await testDatabase("dead letter crashes");
  await jobs(database).insertMany(pending(1));
  await dieBefore(database, COPY);
  await expireLeases(jobs(database));
  await using store = openStore(database);
  const document = await store.takeOne();
  await jobs(database).deleteMany();

  assertEquals(await store.finishVerdict(document), 0);
  assertEquals(await letters(database).countDocuments(), 0);
});

Deno.test("deadLetter(): a frozen agent whose lease was taken over before its verdict makes no letter (rule 21)", async () => {
  await using setup = await proxiedStore("dead letter crashes");
  const { database, proxy, store: frozen, other } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await frozen.takeOne();
  const { result, goOn } = await standStillBefore({ store: frozen, proxy, document }, VERDICT);
  await expireLeases(jobs(database));
  await other.ack([{ document: await other.takeOne() }]);
  goOn();

  assertEquals(await result, 0);
  const [stored] = await jobs(database).find().toArray();
  assertEquals([stored.status, stored.error, stored._pull], ["processed", undefined, { attempts: 1 }]);
  assertEquals(await letters(database).countDocuments(), 0);
});

/** What may become of a document between its verdict and a copy or a mark that comes late. */
const MEANWHILE: Record<string, (database: TestDatabase) => Promise<unknown>> = {
  "was deleted": (database) => jobs(database).deleteMany(),
  "was reset by hand": (database) =>
    jobs(database).updateMany({}, { $set: { status: "pending" }, $unset: { _pull: "" } }),
  "was marked processed by hand": (database) =>
    jobs(database).updateMany({}, { $set: { status: "processed" } }),
  "was finished as a letter, redriven and processed": async (database) => {
    await expireLeases(jobs(database));
    await using other = openStore(database);
    assertEquals(await other.finishVerdict(await other.takeOne()), 1);
    await jobs(database).updateMany({ status: "failed" }, {
      $set: { status: "pending", "_pull.attempts": 0 },
      $unset: { "_pull.dead_at": "" },
    });
    await letters(database).deleteMany();
    await other.ack([{ document: await other.takeOne() }]);
  },
};

for (const [late, write] of Object.entries({ copy: COPY, mark: MARK })) {
  for (const [what, meanwhile] of Object.entries(MEANWHILE)) {
    Deno.test(`deadLetter(): a letter whose ${late} comes late, when its document ${what}, is stale and is removed (rule 27)`, async () => {
      await using setup = await proxiedStore("dead letter crashes");
      const { database, proxy, store: frozen } = setup;
      await jobs(database).insertMany(pending(1));
      const document = await frozen.takeOne();
      const { result, goOn } = await standStillBefore({ store: frozen, proxy, document }, write);
      await meanwhile(database);
      const before = await jobs(database).find().toArray();
      goOn();

      assertEquals(await result, 0);
      assertEquals(await jobs(database).find().toArray(), before);
      assertEquals(await letters(database).countDocuments(), 0);
    });
  }
}

Deno.test("deadLetter(): a mark that comes late, after the next holder has finished the letter, leaves that letter in place", async () => {
  await using setup = await proxiedStore("dead letter crashes");
  const { database, proxy, store: frozen, other } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await frozen.takeOne();
  const { result, goOn } = await standStillBefore({ store: frozen, proxy, document }, MARK);
  await expireLeases(jobs(database));
  assertEquals(await other.finishVerdict(await other.takeOne()), 1);
  const before = await letters(database).find().toArray();
  goOn();

  assertEquals(await result, 0);
  assertEquals(await letters(database).find().toArray(), before);
  assertEquals(before.length, 1);
});

Deno.test("deadLetter(): a late copy never takes the place of the letter of a later failure (rule 24)", async () => {
  await using setup = await proxiedStore("dead letter crashes");
  const { database, proxy, store: frozen, other } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await frozen.takeOne();
  const { result, goOn } = await standStillBefore({ store: frozen, proxy, document }, COPY);
  await jobs(database).updateMany({}, { $set: { status: "pending" }, $unset: { _pull: "" } });
  // The identity of a letter is a time: the later failure must not fall into the same millisecond.
  const now = Date.now();
  await waitFor("the next millisecond", () => Date.now() > now);
  await other.deadLetter(await other.takeOne(), "the later failure");
  goOn();

  assertEquals(await result, 0);
  const [letter] = await letters(database).find().toArray();
  assertEquals(letter.error, "the later failure");
  assertEquals(letter.dead_at, (await jobs(database).findOne())._pull.dead_at);
});

Deno.test("deadLetter(): the mark's answer is lost: the letter stays, and nothing is marked twice", async () => {
  await using setup = await proxiedStore("dead letter crashes");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await store.takeOne();
  // More often than the driver tries again by itself.
  const lost = proxy.loseAnswers(MARK, 2);
  await assertRejects(() => store.deadLetter(document, "fails for good"));
  assertEquals(lost.count, 2);

  assertEquals(await store.deadLetter(document, "fails for good"), 0);
  const stored = await jobs(database).findOne();
  assertEquals([stored.status, stored._pull.errors.length], ["failed", 1]);
  assertEquals((await letters(database).findOne()).dead_at, stored._pull.dead_at);
});

Deno.test("deadLetter() that is retried keeps its verdict: with another time, document and letter would not match (rule 22)", async () => {
  await using setup = await proxiedStore("dead letter crashes");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await store.takeOne();
  proxy.loseAnswers(COPY);
  await assertRejects(() => store.deadLetter(document, "fails for good"));
  const { _pull: { dead_at: verdict } } = await jobs(database).findOne();
  // Two verdicts of one millisecond look alike.
  await waitFor("a later millisecond", async () => {
    const { localTime } = await database.client.db("admin").command({ hello: 1 });
    return localTime > verdict;
  });

  assertEquals(await store.deadLetter(document, "fails for good"), 1);
  const { status, _pull: { dead_at: kept, errors } } = await jobs(database).findOne();
  assertEquals([status, kept, errors.length], ["failed", verdict, 1]);
  assertEquals((await letters(database).findOne()).dead_at, verdict);
});
