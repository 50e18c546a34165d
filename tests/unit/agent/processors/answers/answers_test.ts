import { assert, assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import { BSON } from "mongodb";
import { Answers } from "../../../../../agent/processors/answers/answers.ts";
import { MAX_ANSWER_BYTES } from "../../../../../agent/processors/answers/extended_json.ts";
import { resultOf } from "../../../../support/results.ts";
import { setFields } from "../../../../../agent/processors/set_fields.ts";

const answers = await Answers.load();

/** The failure that an answer is. */
function failureOf(answer: string | Uint8Array) {
  return assertThrows(() => answers.answerOf(answer), Error) as Error & {
    permanent?: boolean;
    retryAfterMs?: number;
  };
}

/** What a server would hold after an answer with this `set`. */
function written(set: string): Record<string, unknown> {
  const fields = setFields(answers.answerOf(`{"set":${set}}`).set)!;
  return BSON.deserialize(BSON.serialize(fields.set), { useBigInt64: true });
}

Deno.test("answerOf() takes nothing, {} and ok: true as done, in text and in bytes", () => {
  for (const answer of ["", " \r\n", "null", "{}", '{"ok":true}', '{"set":null}', '{"writes":null}']) {
    assertEquals(answers.answerOf(answer), {}, answer);
    assertEquals(answers.answerOf(new TextEncoder().encode(answer)), {}, answer);
  }
});

Deno.test("answerOf() takes the time for which a document is put off, and null for none", () => {
  assertEquals(answers.answerOf('{"snoozeMs":1500.5}'), { snoozeMs: 1500.5 });
  assertEquals(answers.answerOf('{"snoozeMs":{"$numberLong":"60000"},"ok":true}'), { snoozeMs: 60_000 });
  assertEquals(answers.answerOf('{"snoozeMs":null}'), {});
});

Deno.test("answerOf() leaves it to the door for modules that fields are written and the document put off", async () => {
  const result = await resultOf(answers.answerOf('{"set":{"a":1},"snoozeMs":5}'));
  assert(!result.ok);
  assertMatch((result.error as Error).message, /"snoozeMs" puts it off: return one of the two/);
});

Deno.test("answerOf() keeps dates, ids, decimals and integers beyond 2^53 exactly", () => {
  const id = new BSON.ObjectId();
  assertEquals(
    written(
      `{"id":{"$oid":"${id}"},"at":{"$date":"2026-11-26T02:00:00Z"},"long":9007199254740993,` +
        `"low":-9223372036854775808,"named":{"$numberLong":"9223372036854775807"},"small":5,"half":0.5,` +
        `"price":{"$numberDecimal":"1.10"},"text":"9007199254740993","deep":[{"n":1234567890123456789}]}`,
    ),
    {
      id,
      at: new Date("2026-11-26T02:00:00Z"),
      long: 9007199254740993n,
      low: -(2n ** 63n),
      named: 2n ** 63n - 1n,
      small: 5,
      half: 0.5,
      price: BSON.Decimal128.fromString("1.10"),
      text: "9007199254740993",
      deep: [{ n: 1234567890123456789n }],
    },
  );
});

Deno.test("answerOf() takes a large floating-point number written with all of its digits, and -0 beside a long", () => {
  assertEquals(written(`{"a":${JSON.stringify(1e20)},"b":1e300,"c":-0}`), { a: 1e20, b: 1e300, c: -0 });
});

Deno.test("answerOf() counts the last of two fields with one name", () => {
  assertEquals(answers.answerOf('{"set":{"a":1,"a":2}}'), { set: { a: 2 } });
});

Deno.test("answerOf() keeps a field named __proto__ a field", () => {
  const { set } = answers.answerOf('{"set":{"__proto__":{"a":1},"n":9007199254740993}}');
  assertEquals(Object.keys(set!), ["__proto__", "n"]);
});

for (
  const [answer, message] of [
    ["true", /it must be an object as \{"set": \{\.\.\.\}\}, or nothing, not a boolean/],
    ["false", /not a boolean/],
    ["[1]", /not an array of 1/],
    ['{"$date":"2026-11-26T02:00:00Z"}', /not Date/],
    ['{"set":[1]}', /the field "set" must be an object of fields, not an array of 1/],
    ['{"set":"a"}', /the field "set" must be an object of fields, not a string/],
    [
      '{"total":3}',
      /it has "total", which means nothing to the agent: write fields of the document under "set"/,
    ],
    ['{"set":{"a":1},"status":"ok"}', /it has "status"/],
    [
      '{"writes":{"collection":"a"}}',
      /the field "writes" must be an array of writes as \{"collection": .*, not/,
    ],
    ['{"write":[]}', /it has "write", .* writes to others under "writes"/],
    ['{"writes":[],"message":"a"}', /"writes" beside "message" says both that it is done and that it failed/],
    ['{"writes":[],"ok":false}', /"writes" beside "ok" says both/],
    ['{"error":{"writes":[]}}', /the field "error" must be/],
    ['{"snoozeMs":-5}', /the field "snoozeMs" must be a number of milliseconds, 0 or more, not -5$/],
    [
      '{"message":"a","retryAfterMs":-5}',
      /"retryAfterMs" must be a number of milliseconds, 0 or more, not -5$/,
    ],
    ['{"snoozeMs":"5"}', /the field "snoozeMs" must be a number of milliseconds, 0 or more, not a string/],
    ['{"snoozeMs":1e999}', /the field "snoozeMs" must be a number of milliseconds, 0 or more, not Infinity$/],
    [
      '{"snoozeMs":5,"message":"a"}',
      /"snoozeMs" beside "message" says both that it is put off and that it fa/,
    ],
    ['{"snoozeMs":5,"ok":false}', /"snoozeMs" beside "ok" says both/],
    ['{"error":{"snoozeMs":5}}', /the field "error" must be/],
    ['{"ok":1}', /the field "ok" must be true or false, not a number/],
    ['{"message":"a","permanent":"yes"}', /the field "permanent" must be true or false, not a string/],
    [
      '{"message":"a","retryAfterMs":-1}',
      /the field "retryAfterMs" must be a number of milliseconds, 0 or more/,
    ],
    ['{"error":["a"]}', /the field "error" must be a text, or an object with a message, not an array of 1/],
    ['{"error":{"massage":"a"}}', /it has "error\.massage"/],
    ['{"error":{"error":{"message":"a"}}}', /the field "error" must be/],
    ['{"set":{"a":1},"message":"a"}', /"set" beside "message" says both that it is done and that it failed/],
    ['{"set":{"a":1},"ok":false}', /"set" beside "ok" says both/],
    ['{"ok":true,"error":"a"}', /"ok" beside "error" says both/],
  ] as const
) {
  Deno.test(`answerOf() refuses ${answer} for good, and names what is wrong`, () => {
    const { message: said, permanent } = failureOf(answer);
    assertMatch(said, message);
    assertEquals(permanent, true);
  });
}

for (
  const [answer, message, permanent, retryAfterMs] of [
    ['{"message":"late"}', "late", false, undefined],
    ['{"ok":false,"error":"late"}', "late", false, undefined],
    ['{"ok":false}', "The processor says that it failed, and not why", false, undefined],
    ['{"error":{"message":"late","permanent":true}}', "late", true, undefined],
    ['{"message":"late","retryAfterMs":5000}', "late", false, 5000],
    ['{"message":"late","retryAfterMs":{"$numberLong":"5000"}}', "late", false, 5000],
    ['{"error":{"message":"late"},"permanent":true}', "late", true, undefined],
    ['{"permanent":true}', "The processor says that it failed, and not why", true, undefined],
  ] as const
) {
  Deno.test(`answerOf() throws the failure that ${answer} is`, () => {
    const error = failureOf(answer);
    assertEquals([error.message, error.permanent, error.retryAfterMs], [message, permanent, retryAfterMs]);
  });
}

for (
  const [writes, meant] of [
    [
      '{"updateOne":{"filter":{"_id":{"$oid":"665000000000000000000000"}},"update":{"$set":{"at":{"$date":"2026-11-26T02:00:00Z"}},' +
      '"$inc":{"n":9007199254740993,"small":1}},"upsert":true}}',
      {
        updateOne: {
          filter: { _id: new BSON.ObjectId("665000000000000000000000") },
          update: {
            $set: { at: new Date("2026-11-26T02:00:00Z") },
            $inc: { n: 9007199254740993n, small: 1 },
          },
          upsert: true,
        },
      },
    ],
    [
      '{"updateOne":{"filter":{"a":{"$type":"string"}},"update":[{"$set":{"a":{"$add":["$b",{"$numberLong":"5"}]}}},{"$unset":"c"}]}}',
      {
        updateOne: {
          filter: { a: { $type: "string" } },
          update: [{ $set: { a: { $add: ["$b", 5n] } } }, { $unset: "c" }],
        },
      },
    ],
    [
      '{"deleteOne":{"filter":{"at":{"$lt":{"$date":"2026-11-26T02:00:00Z"},"$gte":{"$minKey":1}}}}}',
      { deleteOne: { filter: { at: { $lt: new Date("2026-11-26T02:00:00Z"), $gte: new BSON.MinKey() } } } },
    ],
    [
      '{"deleteOne":{"filter":{"a":{"$regex":"^a","$options":"i","$ne":"ab"},"b":{"$regex":"b"}}}}',
      {
        deleteOne: {
          filter: {
            a: { $regex: new BSON.BSONRegExp("^a", "i"), $ne: "ab" },
            b: new BSON.BSONRegExp("b", ""),
          },
        },
      },
    ],
  ] as const
) {
  Deno.test(`answerOf() keeps operators, and reads the values in them: ${writes.slice(0, 99)}`, () => {
    assertEquals(
      BSON.serialize(answers.answerOf(`{"writes":[${writes}]}`)),
      BSON.serialize({ writes: [meant] }),
    );
  });
}

for (
  const [answer, message] of [
    ['{"set":', /cannot be read as JSON/],
    ["<html>", /cannot be read as JSON/],
    ['{"set":{"a":NaN}}', /JSON has no NaN and no Infinity: write \{"\$numberDouble": "NaN"\}/],
    ['{"set":{"n":92233720368547758081}}', /92233720368547758081 is an integer of more than 64 bits/],
    ['{"set":{"n":{"$numberLong":"9223372036854775808"}}}', /is an integer of more than 64 bits/],
    ['{"set":{"id":{"$oid":"xyz"}}}', /cannot be read as JSON/],
    [new Uint8Array([0x7b, 0xff, 0x7d]), /The answer is not UTF-8/],
    [new Uint8Array(MAX_ANSWER_BYTES + 1).fill(0x78), /The answer is larger than 16 MiB/],
    ["x".repeat(MAX_ANSWER_BYTES + 1), /The answer is larger than 16 MiB/],
  ] as const
) {
  Deno.test(`answerOf() cannot read ${String(answer).slice(0, 60)}, and leaves it to a retry`, () => {
    const error = failureOf(answer);
    assertMatch(error.message, message);
    assertEquals(error.permanent, undefined);
  });
}

Deno.test("answerOf() leaves names and values to the checks of modules", async () => {
  const result = await resultOf(answers.answerOf('{"set":{"status":"done"}}'));
  assert(!result.ok);
  assertMatch(String(result.error), /the field "status" belongs to the agent/);
  const date = await resultOf(answers.answerOf('{"set":{"at":{"$date":"soon"}}}'));
  assert(!date.ok);
  assertMatch(String(date.error), /set\.at is an invalid Date/);
});

Deno.test("batchAnswerOf() gives each document its entry, and lets entries fail one by one", () => {
  const [done, set, failed, wrong] = answers.batchAnswerOf(
    '[null,{"set":{"a":1}},{"message":"late","retryAfterMs":5},{"total":1}]',
    4,
  );
  assertEquals([done, set], [{}, { set: { a: 1 } }]);
  assertInstanceOf(failed, Error);
  assertEquals([failed.message, (failed as Error & { retryAfterMs?: number }).retryAfterMs], ["late", 5]);
  assertInstanceOf(wrong, Error);
  assertMatch(wrong.message, /it has "total"/);
});

Deno.test("batchAnswerOf() takes nothing as done for all, and a failure as the failure of all", () => {
  assertEquals(answers.batchAnswerOf("", 2), [{}, {}]);
  assertThrows(() => answers.batchAnswerOf('{"message":"down"}', 2), Error, "down");
});

for (const answer of ["[]", "[{}]", "[{},{},{}]", '{"set":{"a":1}}', "{}"]) {
  Deno.test(`batchAnswerOf() refuses ${answer} for two documents as a whole`, () => {
    const error = assertThrows(() => answers.batchAnswerOf(answer, 2), Error);
    assertMatch(
      error.message,
      /must be an array with an entry for each of the 2 documents, not an? (array|object)/,
    );
  });
}

Deno.test("documentText() writes relaxed Extended JSON on one line, with longs beyond 2^53 exact", () => {
  assertEquals(
    answers.documentText({
      _id: new BSON.ObjectId("665000000000000000000000"),
      text: "a\nb",
      at: new Date(0),
      far: new Date("+012345-01-01T00:00:00Z"),
      long: BSON.Long.fromString("9007199254740993"),
      small: BSON.Long.fromString("5"),
      not: NaN,
    }),
    '{"_id":{"$oid":"665000000000000000000000"},"text":"a\\nb","at":{"$date":"1970-01-01T00:00:00Z"},' +
      '"far":{"$date":{"$numberLong":"327403382400000"}},"long":{"$numberLong":"9007199254740993"},"small":5,' +
      '"not":{"$numberDouble":"NaN"}}',
  );
});

Deno.test("documentText() refuses a date that JavaScript cannot hold, and names its field", () => {
  const error = assertThrows(() => answers.documentText({ a: { at: new Date(NaN) } }), Error);
  assertEquals(
    error.message,
    "The document cannot be written as JSON: a.at is a date beyond the year 275760",
  );
  assertEquals((error as { permanent?: boolean }).permanent, true);
});
