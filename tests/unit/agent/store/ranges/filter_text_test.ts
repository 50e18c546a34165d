import { assertEquals, assertNotEquals } from "@std/assert";
import { parseSourceFilter } from "../../../../../agent/store/filter.ts";
import { filterText } from "../../../../../agent/store/ranges/filter_text.ts";

const textOf = (filter: string) => filterText(parseSourceFilter(filter));

const SAME: Record<string, [one: string, other: string]> = {
  "the fields of the query": ['{"a": 1, "b": 2}', '{"b": 2, "a": 1}'],
  "the operators on a field": ['{"a": {"$gt": 1, "$lt": 9}}', '{"a": {"$lt": 9, "$gt": 1}}'],
  "a regular expression and what is beside it": [
    '{"a": {"$regex": "^a", "$options": "i", "$ne": "ab"}}',
    '{"a": {"$ne": "ab", "$options": "i", "$regex": "^a"}}',
  ],
  "the fields within $or": [
    '{"$or": [{"a": 1, "b": {"$gt": 1, "$lt": 2}}, {"c": 1}]}',
    '{"$or": [{"b": {"$lt": 2, "$gt": 1}, "a": 1}, {"c": 1}]}',
  ],
  "the fields within $and in $nor": [
    '{"$nor": [{"$and": [{"a": 1, "b": 2}]}]}',
    '{"$nor": [{"$and": [{"b": 2, "a": 1}]}]}',
  ],
  "fields beside $expr": ['{"$expr": {"$gt": ["$a", 1]}, "b": 1}', '{"b": 1, "$expr": {"$gt": ["$a", 1]}}'],
};

for (const [what, [one, other]] of Object.entries(SAME)) {
  Deno.test(`filterText() is the same in any order of ${what}`, () => {
    assertEquals(textOf(one), textOf(other));
    // An agent reads what another one has written.
    assertEquals(textOf(textOf(one)!), textOf(other));
  });
}

const DIFFERENT: Record<string, [one: string, other: string]> = {
  "the fields of a literal document": ['{"a": {"b": 1, "c": 2}}', '{"a": {"c": 2, "b": 1}}'],
  "the fields of a literal document behind an operator": [
    '{"a": {"$in": [{"b": 1, "c": 2}]}}',
    '{"a": {"$in": [{"c": 2, "b": 1}]}}',
  ],
  "the fields of a literal document in $or": [
    '{"$or": [{"a": {"b": 1, "c": 2}}]}',
    '{"$or": [{"a": {"c": 2, "b": 1}}]}',
  ],
  "the entries of a list": ['{"a": {"$in": [1, 2]}}', '{"a": {"$in": [2, 1]}}'],
  "the parts of $and": ['{"$and": [{"a": 1}, {"b": 2}]}', '{"$and": [{"b": 2}, {"a": 1}]}'],
  "what an expression compares": ['{"$expr": {"$gt": ["$a", "$b"]}}', '{"$expr": {"$gt": ["$b", "$a"]}}'],
  "the fields of a literal document in an expression": [
    '{"$expr": {"$eq": ["$a", {"b": 1, "c": 2}]}}',
    '{"$expr": {"$eq": ["$a", {"c": 2, "b": 1}]}}',
  ],
  "the conditions within $elemMatch": [
    '{"a": {"$elemMatch": {"b": 1, "c": 2}}}',
    '{"a": {"$elemMatch": {"c": 2, "b": 1}}}',
  ],
  "operators that no list has": [
    '{"a": {"$geoWithin": {"$box": [[0, 0], [1, 1]]}, "$exists": true}}',
    '{"a": {"$exists": true, "$geoWithin": {"$box": [[0, 0], [1, 1]]}}}',
  ],
};

for (const [what, [one, other]] of Object.entries(DIFFERENT)) {
  Deno.test(`filterText() tells filters apart by the order of ${what}`, () => {
    assertNotEquals(textOf(one), textOf(other));
  });
}

Deno.test("filterText() tells the types of numbers apart, and is nothing without a filter", () => {
  assertNotEquals(textOf('{"a": 1}'), textOf('{"a": {"$numberLong": "1"}}'));
  assertEquals(textOf('{"a": 1}'), '{"a":{"$numberInt":"1"}}');
  assertEquals(filterText(undefined), undefined);
});
