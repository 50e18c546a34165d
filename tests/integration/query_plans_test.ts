import { assert, assertEquals } from "@std/assert";
import type { LeasedDocument, LeftAlone } from "../../agent/ports.ts";
import { LeftAloneReader } from "../../agent/store/claims/left_alone.ts";
import { ExcludedIds } from "../../agent/store/claims/excluded_ids.ts";
import { MongoClient } from "mongodb";
import type { Kind, SuspectKind } from "../../agent/store/queries.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { profile, type Profiled } from "../support/profile.ts";
import { COLLECTION, jobs, LONG_AGO, makeIndexes, MONGODB, openStore, pending } from "../support/store.ts";
import { isOlderThan } from "../support/server_version.ts";

const PROCESSED = 45_000;
const LATER = new Date(Date.now() + 3_600_000);

const LEASE = { token: "t", visible_at: LONG_AGO, attempts: 1 };
/** A document of each kind: a query is of the kind whose specimen it finds. */
const SPECIMENS: Record<Kind | SuspectKind, Record<string, unknown>> = {
  new_documents: { status: "pending" },
  due_retries: { status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1 } },
  expired_leases: { status: "processing", _pull: LEASE },
  due_suspects: { status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1, takeovers: 2 } },
  expired_suspects: { status: "processing", _pull: { ...LEASE, takeovers: 1 } },
};

/** The queries for candidates among what was recorded, by kind: the server itself says which one each finds. */
async function byKind(
  database: TestDatabase,
  entries: Profiled[],
): Promise<Record<Kind | SuspectKind, Profiled[]>> {
  const specimens = database.db.collection<{ _id: string; kind: Kind | SuspectKind }>("specimens");
  await specimens.deleteMany({});
  // Behind all other ids: a query that goes on after one it has seen finds them as well.
  await specimens.insertMany(
    Object.entries(SPECIMENS).map(([kind, specimen]) => ({ ...specimen, _id: kind, kind }) as never),
  );
  const found = Object.fromEntries(Object.keys(SPECIMENS).map((kind) => [kind, [] as Profiled[]]));
  for (const entry of entries.filter(({ op }) => op === "query")) {
    const [kind, ...others] = await specimens.find(entry.command.filter).map(({ kind }) => kind).toArray();
    assertEquals(others, [], `${JSON.stringify(entry.command.filter)} also finds ${kind}`);
    // What was claimed is read again by its ids.
    if (kind !== undefined) found[kind]!.push(entry);
  }
  return found as Record<Kind | SuspectKind, Profiled[]>;
}

function assertServed(entry: Profiled | undefined, limit: number, index: RegExp) {
  assert(entry, "there is no such query");
  assert(index.test(entry.planSummary ?? ""), `planned as ${entry.planSummary}`);
  assertEquals(entry.hasSortStage, undefined, "sorted in memory");
  assert(entry.keysExamined! <= limit * 1.1 + 10, `${entry.keysExamined} keys examined for ${limit}`);
  assert(entry.docsExamined! <= limit * 1.1 + 10, `${entry.docsExamined} documents examined for ${limit}`);
}

const CLAIM_INDEX = /^IXSCAN \{ status: 1, _pull\.visible_at: 1, _id: 1 \}/;
const TAKEOVER_INDEX = /^IXSCAN \{ _pull\.takeovers: 1, _pull\.visible_at: 1 \}/;
const ID_INDEX = /^(IXSCAN \{ _id: 1 \}|IDHACK)/;

// The index of older servers holds finished documents too.
Deno.test(
  "Query plans: every query and write of a batch goes by an index, among 50,000 documents of which most are processed",
  { ignore: isOlderThan("6.0") },
  async () => {
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
    const asked = await byKind(database, claims);
    assertServed(asked.due_retries[0], 500, CLAIM_INDEX);
    // Looking for suspects does not walk through all that is due.
    const looks = [...asked.due_suspects, ...asked.expired_suspects];
    assert(looks.length >= 2);
    for (const look of looks) assertServed(look, 0, TAKEOVER_INDEX);
    // On a slow machine the server gives a write up, and the rest of its documents are written by another.
    const updates = claims.filter(({ errCode, op }) => op === "update" && errCode === undefined);
    assert(updates.length >= 2);
    for (const update of updates) assertServed(update, update.keysExamined!, ID_INDEX);
    for (const update of updates) {
      assert(update.keysExamined! <= 2_000, `${update.keysExamined} keys examined`);
    }

    await using second = openStore(database);
    const rest = await profile(database, () => second.take(500));
    assertServed((await byKind(database, rest)).expired_leases[0], 500, CLAIM_INDEX);
    await jobs(database).updateMany({ status: "pending" }, { $unset: { _pull: "" } });
    await using third = openStore(database);
    let documents: readonly LeasedDocument[] = [];
    const fresh = await profile(database, async () => ({ documents } = await third.take(100)));
    const last = await byKind(database, fresh);
    assertServed(last.new_documents[0], 100, CLAIM_INDEX);
    // Those that find nothing read next to nothing.
    assertServed(last.expired_leases[0], 0, CLAIM_INDEX);

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
  },
);

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
    server: MONGODB,
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
