import { assert, assertEquals } from "@std/assert";
import type { LeasedDocument, LeftAlone } from "../../agent/ports.ts";
import { LeftAloneReader } from "../../agent/store/claims/left_alone.ts";
import { ExcludedIds } from "../../agent/store/claims/excluded_ids.ts";
import { MongoClient } from "mongodb";
import { ManualClock } from "../support/manual_clock.ts";
import { testDatabase } from "../support/mongod.ts";
import { profile, type Profiled } from "../support/profile.ts";
import { COLLECTION, jobs, LONG_AGO, makeIndexes, openStore, pending } from "../support/store.ts";

const PROCESSED = 45_000;
const LATER = new Date(Date.now() + 3_600_000);

/** The first command of `entries` whose filter asks for this kind of documents. */
function claimQuery(entries: Profiled[], part: string): Profiled {
  const found = entries.find(({ op, command }) =>
    op === "query" && JSON.stringify(command.filter).includes(part) && !isForSuspects(command.filter)
  );
  assert(found, `there is no query with ${part} among ${entries.length} commands`);
  return found;
}

/** Whether a query looks for documents that are to be claimed alone. */
function isForSuspects(filter: unknown): boolean {
  return JSON.stringify(filter).includes(`{"_pull.takeovers":{"$gte":1}},{"status"`);
}

function assertServed(entry: Profiled, limit: number, index: RegExp) {
  assert(index.test(entry.planSummary ?? ""), `planned as ${entry.planSummary}`);
  assertEquals(entry.hasSortStage, undefined, "sorted in memory");
  assert(entry.keysExamined! <= limit * 1.1 + 10, `${entry.keysExamined} keys examined for ${limit}`);
  assert(entry.docsExamined! <= limit * 1.1 + 10, `${entry.docsExamined} documents examined for ${limit}`);
}

const CLAIM_INDEX = /^IXSCAN \{ status: 1, _pull\.visible_at: 1, _id: 1 \}/;
const TAKEOVER_INDEX = /^IXSCAN \{ _pull\.takeovers: 1, _pull\.visible_at: 1 \}/;
const ID_INDEX = /^(IXSCAN \{ _id: 1 \}|IDHACK)/;

Deno.test("Query plans: every query and write of a batch goes by an index, among 50,000 documents of which most are processed", async () => {
  await using database = await testDatabase("query plans");
  await using store = openStore(database);
  const waiting = { visible_at: LATER, attempts: 1 };
  const expired = { token: "t", owner: "gone", visible_at: LONG_AGO, attempts: 1 };
  await makeIndexes(database, store);
  for (
    const documents of [
      pending(PROCESSED, { status: "processed", _pull: { attempts: 1 } }),
      pending(2_000, { from: 100_000 }),
      pending(1_000, { from: 200_000, _pull: waiting }),
      pending(500, { from: 300_000, _pull: { visible_at: LONG_AGO, attempts: 1 } }),
      pending(500, { from: 400_000, status: "processing", _pull: expired }),
      pending(1_000, { from: 500_000, status: "processing", _pull: { ...expired, visible_at: LATER } }),
    ]
  ) await jobs(database).insertMany(documents);

  const claims = await profile(database, async () => {
    // Enough room for what is due, so that all three kinds are asked for.
    await store.take(500);
    await store.take(1_500);
  });
  assertServed(claimQuery(claims, `"status":"pending","_pull.visible_at":{"$lte"`), 500, CLAIM_INDEX);
  // Looking for suspects does not walk through all that is due.
  const looks = claims.filter(({ op, command }) => op === "query" && isForSuspects(command.filter));
  assert(looks.length >= 2);
  for (const look of looks) assertServed(look, 0, TAKEOVER_INDEX);
  const updates = claims.filter(({ op }) => op === "update");
  assert(updates.length >= 2);
  for (const update of updates) assertServed(update, update.keysExamined!, ID_INDEX);
  for (const update of updates) assert(update.keysExamined! <= 2_000, `${update.keysExamined} keys examined`);

  await using second = openStore(database);
  const rest = await profile(database, () => second.take(500));
  assertServed(claimQuery(rest, `"status":"processing"`), 500, CLAIM_INDEX);
  await jobs(database).updateMany({ status: "pending" }, { $unset: { _pull: "" } });
  await using third = openStore(database);
  let documents: readonly LeasedDocument[] = [];
  const fresh = await profile(database, async () => ({ documents } = await third.take(100)));
  assertServed(claimQuery(fresh, `"_pull.visible_at":null`), 100, CLAIM_INDEX);
  // Those that find nothing read next to nothing.
  assertServed(claimQuery(fresh, `"status":"processing"`), 0, CLAIM_INDEX);

  const [one, two, three, ...others] = documents;
  const settled = await profile(database, async () => {
    await third.renew(documents);
    await third.ack(others.map((document) => ({ document })));
    await third.ack([{ document: one!, set: { n: 1 } }]);
    await third.nack([{ document: two!, error: "", delayMs: 0 }]);
    await third.release([three!]);
  });
  assertEquals(settled.length, 5);
  for (const entry of settled) assertServed(entry, 200, ID_INDEX);
});

Deno.test("Query plans: looks for what no claim can take read little, among 20,000 documents that are scheduled", async () => {
  await using database = await testDatabase("query plans");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await jobs(database).insertMany([
    ...pending(20_000, { _pull: { visible_at: LATER } }),
    ...pending(5, { from: 30_000, _pull: { visible_at: "tomorrow" } }),
    // An array anywhere in the field makes the index one of many keys a document, whose ranges cannot be intersected.
    ...pending(5, { from: 40_000, _pull: { visible_at: [] } }),
    ...pending(5, { from: 50_000, _pull: "mine" }),
    ...pending(5, { from: 60_000, status: "processing", _pull: { token: "t", visible_at: 5 } }),
  ]);
  const client = new MongoClient(database.uri, { appName: "pulling-agent" });
  await using _ = { [Symbol.asyncDispose]: () => client.close() };
  const clock = new ManualClock();
  const reader = new LeftAloneReader({
    collection: client.db(database.name).collection(COLLECTION),
    filter: undefined,
    maxTimeMS: 10_000,
    excluded: new ExcludedIds(clock),
    candidates: { unaddressable: undefined },
    heldUp: { look: () => Promise.resolve(false), stuck: [] },
    clock,
  });
  // The first one reads all, as one an hour does.
  await reader.look("idle");
  clock.skip(61_000);
  let found: LeftAlone[] | undefined;
  const looks = await profile(database, async () => found = await reader.look("idle"));
  assertEquals(found?.map(({ documents }) => documents), [5, 10, 5]);
  assertEquals(looks.length, 3);
  for (const look of looks) {
    assert(
      /IXSCAN \{ status: 1, _pull\.visible_at: 1, _id: 1 \}/.test(look.planSummary ?? ""),
      look.planSummary,
    );
    assert(look.docsExamined! <= 30 && look.keysExamined! <= 60, JSON.stringify(look));
  }
});

Deno.test("Query plans: a claim's update examines the keys of its own ids alone, however long the backlog is", async () => {
  await using database = await testDatabase("query plans");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await jobs(database).insertMany(pending(5_000));
  await store.take(1);

  const [update] = (await profile(database, () => store.take(50))).filter(({ op }) => op === "update");
  assertServed(update!, 100, ID_INDEX);
});
