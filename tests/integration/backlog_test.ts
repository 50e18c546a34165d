import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Document, ObjectId } from "mongodb";
import { errorText } from "../../agent/errors.ts";
import { MAX_COUNTED } from "../../agent/events.ts";
import { Guarded } from "../support/guarded.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { profile, type Profiled } from "../support/profile.ts";
import {
  COLLECTION,
  jobs,
  letters,
  LONG_AGO,
  makeIndexes,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";
import { isOlderThan } from "../support/server_version.ts";

const LATER = new Date(Date.now() + 3_600_000);
const MINUTE = 60_000;
/** An ObjectId that was made so long ago, in milliseconds. */
const idOf = (agoMs: number) => ObjectId.createFromTime(Math.floor((Date.now() - agoMs) / 1000));
const ago = (ms: number) => new Date(Date.now() - ms);

/** What the store of a database with its indexes finds, with the problem as text. */
async function look(store: TestStore) {
  const { backlog, problem } = await store.backlog();
  return { ...backlog, problem: problem === undefined ? undefined : errorText(problem) };
}

/** What it finds, its age in whole minutes. */
async function inMinutes(store: TestStore) {
  const { claimable, deadLetters, oldestMs, problem } = await look(store);
  assertEquals(problem, undefined);
  return { claimable, deadLetters, minutes: oldestMs && Math.floor(oldestMs / MINUTE + 0.01) };
}

async function inserted(database: TestDatabase, documents: Document[]): Promise<void> {
  await jobs(database).deleteMany({});
  await jobs(database).insertMany(documents);
}

Deno.test("Backlog: counts what a claim could take, and nothing that is held, scheduled, done, or not the agent's", async () => {
  await using database = await testDatabase("backlog");
  await using store = openStore(database);
  await makeIndexes(database, store);
  assertEquals(await inMinutes(store), { claimable: 0, deadLetters: 0, minutes: 0 });
  const lease = { token: "t", owner: "gone", attempts: 1 };
  await inserted(database, [
    ...pending(3),
    ...pending(2, { from: 10, _pull: { visible_at: LONG_AGO, attempts: 1 } }),
    ...pending(1, { from: 20, _pull: { visible_at: LONG_AGO, attempts: 1, takeovers: 2 } }),
    ...pending(2, { from: 30, status: "processing", _pull: { ...lease, visible_at: LONG_AGO } }),
  ]);
  assertEquals((await inMinutes(store)).claimable, 8);
  await inserted(database, [
    ...pending(1, { from: 40, _pull: { visible_at: LATER, snoozes: 1 } }),
    ...pending(1, { from: 50, status: "processing", _pull: { ...lease, visible_at: LATER } }),
    ...pending(1, { from: 60, status: "processing" }),
    ...pending(1, { from: 70, status: "processed", _pull: { attempts: 1 } }),
    ...pending(1, { from: 80, status: "Pending" }),
    ...pending(1, { from: 90, _pull: "mine" }),
    ...pending(1, { from: 100, _pull: { visible_at: "tomorrow" } }),
  ]);
  assertEquals(await inMinutes(store), { claimable: 0, deadLetters: 0, minutes: 0 });
});

Deno.test("Backlog: documents whose claim MongoDB refuses are left alone, and do not count", async () => {
  await using database = await testDatabase("backlog");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await database.db.command({
    collMod: COLLECTION,
    validator: { $nor: [{ isBad: true, status: "processing" }] },
  });
  const [old, young] = [idOf(90 * MINUTE), idOf(3 * MINUTE)];
  await inserted(database, [{ _id: old, status: "pending", isBad: true }, { _id: young, status: "pending" }]);
  assertEquals(await inMinutes(store), { claimable: 2, deadLetters: 0, minutes: 90 });
  const { documents } = await store.claim({ documents: 10, bytes: 1_000_000 });
  assertEquals(documents.map(({ id }) => String(id)), [String(young)]);
  assertEquals(await inMinutes(store), { claimable: 0, deadLetters: 0, minutes: 0 });
});

Deno.test("Backlog: documents count only if they match FILTER", async () => {
  await using database = await testDatabase("backlog");
  await using store = openStore(database, { filter: '{"kind": "order"}' });
  await makeIndexes(database, store);
  const due = { _pull: { visible_at: LONG_AGO, attempts: 1 } };
  await inserted(database, [
    ...pending(300, { kind: "order" }),
    ...pending(400, { from: 1000, kind: "mail" }),
    ...pending(200, { from: 2000, kind: "order", ...due }),
    ...pending(100, { from: 3000, kind: "mail", ...due }),
  ]);
  assertEquals((await inMinutes(store)).claimable, 500);
});

Deno.test("Backlog: a document waits since it was due and inserted, or since its lease expired, as far as it tells", async () => {
  await using database = await testDatabase("backlog");
  await using store = openStore(database);
  await makeIndexes(database, store);
  const lease = { token: "t", owner: "gone", attempts: 1, visible_at: ago(3 * MINUTE) };
  const cases: [string, Document[], number | undefined][] = [
    ["new", [{ _id: idOf(7 * MINUTE) }, { _id: idOf(MINUTE) }], 7],
    ["an id that tells no time", [{ _id: "a" }, { _id: 5 }], undefined],
    ["an ObjectId behind others", [{ _id: "a" }, { _id: idOf(2 * MINUTE) }], 2],
    ["scheduled long after it was inserted", [{ _id: idOf(900 * MINUTE), _pull: lease }], 3],
    ["scheduled for a date in the past", [{ _id: idOf(2 * MINUTE), _pull: { visible_at: LONG_AGO } }], 2],
    ["a lease that has expired", [{ _id: idOf(900 * MINUTE), status: "processing", _pull: lease }], 3],
    ["one of a clock that is ahead", [{ _id: idOf(-9 * MINUTE) }], 0],
    ["new and due", [{ _id: idOf(MINUTE) }, { _id: 1, _pull: { visible_at: ago(4 * MINUTE) } }], 4],
  ];
  for (const [name, documents, minutes] of cases) {
    await inserted(database, documents.map((each) => ({ status: "pending", ...each })));
    assertEquals({ name, ...await inMinutes(store) }, {
      name,
      claimable: documents.length,
      deadLetters: 0,
      minutes,
    });
  }
  // More ids of other types than are read come first.
  await inserted(database, [...pending(12_000), { _id: idOf(5 * MINUTE), status: "pending" }]);
  assertEquals(await inMinutes(store), { claimable: MAX_COUNTED, deadLetters: 0, minutes: 5 });
});

Deno.test("Backlog: dead letters of the collection count, those of others do not, and those that cannot be told apart are not known", async () => {
  await using database = await testDatabase("backlog");
  await using store = openStore(database);
  await makeIndexes(database, store);
  const counted = async () => (await store.backlog()).backlog.deadLetters;
  const of = (collection: string | undefined, from: number, count: number) =>
    pending(count, { from, ...(collection && { source: { collection } }) });
  await letters(database).insertMany([...of("jobs", 0, 5), ...of(undefined, 100, 1), ...of("mails", 200, 7)]);
  assertEquals(await counted(), 6);
  // They are read again only if their number has changed.
  const reads = await profile(database, counted);
  assertEquals(reads.filter(({ command }) => command.aggregate === "jobs_dead_letters").length, 0);
  await letters(database).deleteOne({ _id: 0 });
  assertEquals(await counted(), 5);
  await letters(database).insertMany(of("mails", 1000, 10_000));
  assertEquals(await counted(), undefined);
  await letters(database).deleteMany({ "source.collection": "mails" });
  await letters(database).insertMany(of("jobs", 1000, 10_000));
  assertEquals(await counted(), MAX_COUNTED);
});

function assertCheap(entry: Profiled): void {
  const { command, docsExamined = 0, keysExamined = 0, planSummary } = entry;
  const what = JSON.stringify({ ...command.query, pipeline: command.pipeline, planSummary });
  assertEquals(entry.hasSortStage, undefined, what);
  assert(keysExamined <= MAX_COUNTED + 10, `${keysExamined} keys examined: ${what}`);
  assert(docsExamined <= MAX_COUNTED + 10, `${docsExamined} documents examined: ${what}`);
  assertMatch(planSummary ?? "", /^(IXSCAN \{ (status|_id): 1|RECORD_STORE_FAST_COUNT|COUNT$|EOF)/, what);
}

// The index of older servers holds finished documents too.
Deno.test(
  "Backlog: every query goes by an index and reads no more than it counts, among 40,000 documents of every kind",
  { ignore: isOlderThan("6.0") },
  async () => {
    await using database = await testDatabase("backlog");
    await using store = openStore(database);
    await makeIndexes(database, store);
    const lease = { token: "t", owner: "gone", visible_at: LONG_AGO, attempts: 1 };
    await inserted(database, [
      ...pending(15_000),
      ...pending(12_000, { from: 100_000, _pull: { visible_at: LONG_AGO, attempts: 1 } }),
      ...pending(5_000, { from: 200_000, _pull: { visible_at: LATER, attempts: 1 } }),
      ...pending(500, { from: 300_000, status: "processing", _pull: lease }),
      ...pending(8_000, { from: 400_000, status: "processed" }),
    ]);
    await letters(database).insertMany(pending(11_000, { source: { collection: "jobs" } }));
    const looks = await profile(database, () => look(store));
    for (const entry of looks) assertCheap(entry);
    // Documents are read only to tell the first of each kind, and the leases, from what is not the agent's.
    const read = looks.filter(({ command }) => command.aggregate === "jobs")
      .reduce((sum, { docsExamined }) => sum + (docsExamined ?? 0), 0);
    assert(read <= 1_000, `${read} documents read`);
    assert(looks.length <= 9, `${looks.length} round trips`);
  },
);

Deno.test("Backlog: without the index nothing is read and nothing is known, and a missing collection is no problem", async () => {
  await using database = await testDatabase("backlog", { empty: true });
  await using store = openStore(database);
  const none = { claimable: 0, oldestMs: 0, deadLetters: 0, problem: undefined };
  assertEquals(await look(store), none);
  await jobs(database).insertMany(pending(200));
  const found = await look(store);
  assertEquals(found, { ...none, claimable: undefined, oldestMs: undefined, problem: found.problem });
  assertMatch(found.problem ?? "", /hint/);
});

Deno.test("Backlog: a missing right hides what it is about, and does not make the agent believe that MongoDB is out of reach", async () => {
  await using guarded = await Guarded.start();
  const shop = guarded.client.db("shop");
  await shop.collection("jobs").insertMany(pending(3));
  await shop.collection("jobs").createIndex({ status: 1, "_pull.visible_at": 1, _id: 1 });
  const grant = async (collection: string) => {
    const privileges = [{ resource: { db: "shop", collection }, actions: ["find"] }];
    await shop.command({ createRole: collection, privileges, roles: [] });
  };
  await grant("jobs");
  await grant("others");
  await guarded.makeUser("password", "jobs");
  await using store = openStore({ uri: guarded.uri("password"), name: "shop" });
  const reachable: boolean[] = [];
  store.listen({ onReachable: (isReachable) => reachable.push(isReachable), onRenewed() {}, onStale() {} });
  const { problem, ...found } = await look(store);
  assertEquals(found, { claimable: 3, oldestMs: undefined, deadLetters: undefined });
  assertMatch(problem ?? "", /not authorized .* find on shop\.jobs_dead_letters/);
  await guarded.changeRole("others");
  assertEquals((await look(store)).claimable, undefined);
  assertEquals(reachable, [true]);
});
