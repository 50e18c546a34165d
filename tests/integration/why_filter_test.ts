import { assertEquals } from "@std/assert";
import { type Clause, clausesOf } from "../../agent/store/why/query_clauses.ts";
import { testDatabase } from "../support/mongod.ts";
import { integerFrom, pick, testRandom } from "../support/random.ts";
import { type AnyDocument, idsOf, jobs, openStore } from "../support/store.ts";
import { mendAll, obstaclesOf, storyOf } from "../support/stories.ts";

/** A FILTER and a document that does not match it; what `why` says of it, and whether it can tell a command. */
const FILTERS: [filter: string, document: AnyDocument, says: string, isMendable?: boolean][] = [
  ['{"a": 1}', { a: 2 }, 'it asks for {"a":1}, and the document has a: 2 (32-bit integer)'],
  ['{"a": 1}', { a: "1" }, 'it asks for {"a":1}, and the document has a: "1" (string)'],
  ['{"a": 1}', {}, 'it asks for {"a":1}, and the document has no field a'],
  ['{"a": 1, "b": 2}', { a: 1, b: 3 }, 'it asks for {"b":2}, and the document has b: 3 (32-bit integer)'],
  [
    '{"a": 1, "b": 2}',
    { a: 0, b: 0 },
    'it asks for {"a":1}, and the document has a: 0 (32-bit integer); it asks for {"b":2}, and the document has b: 0 (32-bit integer)',
  ],
  [
    '{"a.b.c": true}',
    { a: { b: { c: false } } },
    'it asks for {"a.b.c":true}, and the document has a.b.c: false',
  ],
  [
    '{"a.b": 1}',
    { a: [{ b: 2 }] },
    'it asks for {"a.b":1}, and the document has a.b: [{"b":2}] (array)',
    false,
  ],
  ['{"$and": [{"a": 1}, {"b": 2}]}', { a: 1 }, 'it asks for {"b":2}, and the document has no field b'],
  [
    '{"$and": [{"$and": [{"a": 1}]}, {"b": {"$gte": 5}}]}',
    { a: 1, b: 4 },
    'it asks for {"b":{"$gte":5}}, and the document has b: 4 (32-bit integer)',
  ],
  [
    '{"a": {"$gt": 1, "$lte": 5}}',
    { a: 9 },
    'it asks for {"a":{"$lte":5}}, and the document has a: 9 (32-bit integer)',
  ],
  [
    '{"$or": [{"a": 1}, {"b": {"$in": [7, 8]}}]}',
    { a: 2 },
    'it asks for {"$or":[{"a":1},{"b":{"$in":[7,8]}}]}',
  ],
  [
    '{"$or": [{"$and": [{"a": {"$gt": 1}}]}, {"b": {"$in": [7, 8]}}]}',
    { a: 0 },
    'it asks for {"$or":[{"$and":[{"a":{"$gt":1}}]},{"b":{"$in":[7,8]}}]}',
  ],
  [
    '{"$nor": [{"a": 1}, {"b": 2}]}',
    { b: 2 },
    'it asks for {"$nor":[{"b":2}]}, and the document has b: 2 (32-bit integer)',
    false,
  ],
  [
    '{"a": {"$ne": 1}}',
    { a: 1 },
    'it asks for {"a":{"$ne":1}}, and the document has a: 1 (32-bit integer)',
    false,
  ],
  [
    '{"a": {"$exists": false}}',
    { a: null },
    'it asks for {"a":{"$exists":false}}, and the document has a: null',
  ],
  [
    '{"a": {"$regex": "^X", "$options": "i"}}',
    { a: "y" },
    'it asks for {"a":{"$regularExpression":{"pattern":"^X","options":"i"}}}, and the document has a: "y" (string)',
    false,
  ],
  [
    '{"a": {"$elemMatch": {"b": 1, "c": 2}}}',
    { a: [{ b: 1 }, { c: 2 }] },
    'it asks for {"a":{"$elemMatch":{"b":1,"c":2}}}, and the document has a: [{"b":1},{"c":2}] (array)',
    false,
  ],
  ['{"$expr": {"$gt": ["$a", "$b"]}}', { a: 1, b: 2 }, 'it asks for {"$expr":{"$gt":["$a","$b"]}}', false],
  ['{"$where": "this.a > this.b"}', { a: 1, b: 2 }, 'it asks for {"$where":"this.a > this.b"}', false],
  [
    '{"Größe.é": {"$eq": "m"}}',
    { "Größe": { é: "l" } },
    'it asks for {"Größe.é":{"$eq":"m"}}, and the document has Größe.é: "l" (string)',
  ],
  [
    '{"_id": {"$lt": 0}}',
    {},
    'it asks for {"_id":{"$lt":0}}, and the document has _id: 1 (32-bit integer)',
    false,
  ],
  [
    '{"$comment": "of Ann", "a": 1}',
    { a: 2 },
    'it asks for {"a":1}, and the document has a: 2 (32-bit integer)',
  ],
];

for (const [filter, fields, says, isMendable = true] of FILTERS) {
  Deno.test(`why tells which clause of FILTER ${filter} does not match, with the value found: ${JSON.stringify(fields)}`, async () => {
    await using database = await testDatabase("why filter");
    await using store = openStore(database, { filter });
    await jobs(database).insertOne({ _id: 1, status: "pending", ...fields });
    const story = await storyOf(store, 1);
    assertEquals(obstaclesOf(story), [`FILTER does not match: ${says}`]);
    assertEquals(idsOf(await store.take()), []);
    assertEquals(await mendAll(database, story), isMendable ? 1 : 0);
    if (!isMendable) return;
    assertEquals(obstaclesOf(await storyOf(store, 1)), []);
    assertEquals(idsOf(await store.take()), [1]);
  });
}

Deno.test("why tells of a document whose FILTER matches nothing about FILTER, and of a status besides", async () => {
  await using database = await testDatabase("why filter");
  await using store = openStore(database, { filter: '{"$or": [{"a": 1}, {"a": 2}], "b": {"$ne": 1}}' });
  await jobs(database).insertMany([{ _id: 1, status: "pending", a: 2 }, { _id: 2, status: "new", a: 3 }]);
  assertEquals(obstaclesOf(await storyOf(store, 1)), []);
  const story = await storyOf(store, 2);
  assertEquals(story.obstacles.map(({ what }) => what), ["status", "filter"]);
  assertEquals(await mendAll(database, story), 2);
  assertEquals(idsOf(await store.take()), [2, 1]);
});

/** A query of random conditions on the fields of {@linkcode randomFields}. */
function randomFilter(random: () => number, depth = 0): AnyDocument {
  const value = () =>
    pick(random, [1, 2, "x", null, [1], { $in: [1, "x"] }, { $gte: 1, $lt: 3 }, { $ne: 2, $exists: true }]);
  const conditions = () => [
    { [pick(random, ["a", "b", "c.d"])]: value() },
    ...(depth < 3
      ? [{
        [pick(random, ["$and", "$or", "$nor"])]: [
          randomFilter(random, depth + 1),
          randomFilter(random, depth + 1),
        ],
      }]
      : []),
  ];
  return Object.assign(
    {},
    ...Array.from({ length: integerFrom(random, 1, 2) }, () => pick(random, conditions())),
  );
}

function randomFields(random: () => number): AnyDocument {
  const value = () => pick(random, [1, 2, "x", null, [1, 5], [0, 9], { d: 1 }]);
  return {
    a: value(),
    b: value(),
    ...(random() < 0.7 && { c: pick(random, [{ d: value() }, [{ d: 1 }, { d: 2 }], 5]) }),
  };
}

Deno.test("clausesOf() takes a random query apart: a document matches all clauses exactly if it matches the query, and so on within them", async () => {
  const random = testRandom(19);
  await using database = await testDatabase("clauses");
  await jobs(database).insertMany(Array.from({ length: 40 }, (_, _id) => ({ _id, ...randomFields(random) })));
  const matching = async (query: AnyDocument) => {
    const found = await jobs(database).find(query, { projection: { _id: 1 } }).toArray();
    return new Set(found.map(({ _id }) => _id as number));
  };
  const ids = Array.from({ length: 40 }, (_, id) => id);
  const check = async (
    parts: readonly Clause[],
    needs: Clause["needs"],
    whole: Set<number>,
    query: AnyDocument,
  ) => {
    const sets = await Promise.all(parts.map((part) => matching(part.query)));
    const holds = (id: number) => {
      const each = sets.map((set) => set.has(id));
      return needs === "all"
        ? each.every(Boolean)
        : needs === "any"
        ? each.some(Boolean)
        : !each.some(Boolean);
    };
    assertEquals(ids.filter(holds), ids.filter((id) => whole.has(id)), JSON.stringify(query));
    for (const [at, part] of parts.entries()) {
      if (part.needs !== "itself") await check(part.parts, part.needs, sets[at]!, part.query);
    }
  };
  for (let run = 0; run < 60; run++) {
    const filter = randomFilter(random);
    await check(clausesOf(filter), "all", await matching(filter), filter);
  }
});
