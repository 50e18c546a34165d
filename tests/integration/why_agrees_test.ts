import { assert, assertEquals } from "@std/assert";
import { BSON, type Document, Long } from "bson";
import { RawDocument } from "../../agent/store/documents/raw_document.ts";
import { survivesRoundTrip } from "../../agent/store/documents/round_trip_id.ts";
import type { FoundDocument } from "../../agent/store/why/found_document.ts";
import type { Story } from "../../agent/store/why/story.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { integerFrom, pick, testRandom } from "../support/random.ts";
import { randomDocument } from "../support/random_bson.ts";
import { bsonDocument, elementsOf } from "../support/raw_bson.ts";
import { insertBytes } from "../support/raw_insert.ts";
import { jobs, openStore, type TestStore } from "../support/store.ts";

/** The field that numbers the documents of these tests: any of their ids may be one that no query can name. */
const NUMBER = "number of the test";
const STATUSES = ["pending", "pending", "pending", "processing", "processing", "Pending", "failed"];

/** Bookkeeping as agents leave it, of a document in any state, and with one value here and there that no agent writes. */
function pullOf(random: () => number): Document {
  const odd = () => pick(random, [null, "x", [], {}, new Long(-1, 0x7fffffff), NaN, [new Date(1000)], true]);
  const value = (usual: unknown) => random() < 0.06 ? odd() : usual;
  const inMs = pick(random, [-3_600_000, -3_600_000, -1, 300, 3_600_000]);
  const counts = (max: number) => integerFrom(random, 0, max);
  const maybe = (name: string, usual: unknown, chance = 0.5) =>
    random() < chance ? { [name]: value(usual) } : {};
  return {
    ...maybe("visible_at", new Date(Date.now() + inMs), 0.8),
    ...maybe("attempts", counts(6), 0.8),
    ...maybe("takeovers", counts(3)),
    ...maybe("alone", counts(3), 0.3),
    ...maybe("token", "t", 0.6),
    ...maybe("owner", "another agent"),
    ...maybe("dead_at", new Date(1000), 0.1),
  };
}

/** Documents of random bytes, most of them with bookkeeping, and of any status. */
async function insertRandom(database: TestDatabase, random: () => number, count: number): Promise<void> {
  const documents = Array.from({ length: count }, (_, number) => {
    const isWild = random() < 0.4;
    const own = isWild ? {} : {
      status: pick(random, STATUSES),
      ...(random() < 0.8 && { _pull: random() < 0.06 ? [{}] : pullOf(random) }),
    };
    const wild = elementsOf(randomDocument(random, { pull: isWild, status: "random" }));
    const rest = wild.filter(({ name }) => isWild || new TextDecoder().decode(name) !== "status");
    return bsonDocument([...rest, ...elementsOf(BSON.serialize({ ...own, [NUMBER]: number }))]);
  });
  await insertBytes(database, documents);
}

async function storiesOf(database: TestDatabase, store: TestStore): Promise<Map<number, Story>> {
  const stories = await store.forCommands.documentStories();
  const found = await jobs(database).find({}, { raw: true }).toArray() as unknown as Uint8Array[];
  const told = new Map<number, Story>();
  for (const bytes of found) {
    const raw = new RawDocument(bytes);
    const number = numberOf(bytes);
    const one: FoundDocument = {
      raw,
      selector: { [NUMBER]: number },
      isNameable: survivesRoundTrip(raw),
      isNear: false,
    };
    told.set(number, await stories.ofDocument(one));
  }
  return told;
}

function numberOf(bytes: Uint8Array): number {
  const found = elementsOf(bytes).findLast(({ name }) => new TextDecoder().decode(name) === NUMBER)!;
  return new DataView(found.value.buffer, found.value.byteOffset).getInt32(0, true);
}

/** Claims all there is, as an agent does; the numbers of the documents that it holds then. */
async function claimAll(database: TestDatabase, store: TestStore): Promise<Set<number>> {
  for (let idle = 0; idle < 3;) idle = (await store.take(50)).documents.length > 0 ? 0 : idle + 1;
  while (await store.takeSuspect());
  const held = await jobs(database).find({ "_pull.owner": store.settings.agentName }, { raw: true })
    .toArray();
  return new Set((held as unknown as Uint8Array[]).map(numberOf));
}

for (
  const [what, options] of Object.entries({
    "no FILTER": {},
    "a FILTER": { filter: `{"${NUMBER}": {"$not": {"$mod": [3, 1]}}}` },
  })
) {
  Deno.test(`DocumentStories call a random document claimable exactly if a claim takes it, with ${what}`, async () => {
    const random = testRandom(41);
    const counts = { kinds: new Set<string>(), obstacles: new Set<string>() };
    for (let round = 0; round < 2; round++) {
      await using database = await testDatabase("why agrees");
      await using store = openStore(database, options);
      await insertRandom(database, random, 120);
      const before = await storiesOf(database, store);
      const claimed = await claimAll(database, store);
      const after = await storiesOf(database, store);
      for (const [number, story] of before) {
        const said = `${number}: ${JSON.stringify(story.obstacles)}, ${story.kind}, ${
          JSON.stringify(story.facts)
        }`;
        for (const { what } of story.obstacles) counts.obstacles.add(what);
        if (claimed.has(number)) {
          const [first, ...others] = story.obstacles;
          // It has become due since.
          const isDueNow = first?.what === "scheduled" && others.length === 0 &&
            first.until <= after.get(number)!.now;
          const isExpired = first?.what === "leased" && others.length === 0 &&
            first.until <= after.get(number)!.now;
          assert(first === undefined || isDueNow || isExpired, `claimed, not told: ${said}`);
          if (story.kind) counts.kinds.add(story.kind);
          assertEquals(after.get(number)!.obstacles[0]?.what, "leased", said);
        } else {
          assert(story.obstacles.length > 0, `told, not claimed: ${said}`);
          // One that has become due after the last claim may be claimable now.
          const now = after.get(number)!;
          assert(
            now.obstacles.length > 0 ||
              story.obstacles.some(({ what }) => what === "scheduled" || what === "leased"),
            said,
          );
        }
      }
    }
    // Otherwise it proves little.
    assert(counts.kinds.size >= 4, [...counts.kinds].join());
    assert(counts.obstacles.size >= 8, [...counts.obstacles].join());
  });
}
