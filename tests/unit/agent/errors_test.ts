import { MongoServerError } from "mongodb";
import { assertEquals } from "@std/assert";
import { errorText, PermanentError, UsageError } from "../../../agent/errors.ts";

function throwing(): never {
  throw new Error("not even this can be read");
}

const CYCLE: Record<string, unknown> = {};
CYCLE.self = CYCLE;

for (
  const [name, thrown, expected] of [
    ["an error", new Error("it broke"), "it broke"],
    ["an error without a message", new TypeError(), "TypeError"],
    ["a string", "it broke", "it broke"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a number", 42, "42"],
    ["a BigInt", 42n, "42"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["an object with a message", { message: "it broke", code: 1 }, "it broke"],
    ["an object without one", { code: 1 }, '{"code":1}'],
    ["a cycle", CYCLE, "[object Object]"],
    ["an object that refuses to be JSON", { toJSON: throwing }, "[object Object]"],
    ["an object without a prototype", Object.create(null), "{}"],
    [
      "an error whose message is an object",
      Object.assign(new Error(), { message: { code: 1 } }),
      '{"code":1}',
    ],
    ["an error whose message is a number", Object.assign(new Error(), { message: 42 }), "42"],
    ["an error whose message cannot be read", {
      get message() {
        return throwing();
      },
    }, "an error that cannot be read"],
    [
      "an object that nothing can be asked of",
      new Proxy({}, { get: throwing }),
      "an error that cannot be read",
    ],
  ] as [string, unknown, string][]
) {
  Deno.test(`errorText() has a text for ${name}`, () => assertEquals(errorText(thrown), expected));
}

Deno.test("PermanentError counts as permanent, as any error with that property does", () => {
  assertEquals(new PermanentError("no").permanent, true);
});

Deno.test("UsageError keeps each problem and joins them in its message", () => {
  assertEquals(new UsageError(["one", "two"]).problems, ["one", "two"]);
  assertEquals(new UsageError(["one", "two"]).message, "one\ntwo");
  assertEquals(new UsageError("alone").problems, ["alone"]);
});

const SAID: [what: string, code: number, message: string, text: string][] = [
  [
    "a duplicate key",
    11000,
    'E11000 duplicate key error collection: shop.orders index: mail_1 dup key: { mail: "an}n@example.com" }',
    "E11000 duplicate key error collection: shop.orders index: mail_1 dup key: {...}",
  ],
  [
    "a path",
    28,
    `Cannot create field 'token' in element {_pull: "secret"}`,
    "Cannot create field 'token' in element {...}",
  ],
  ["a validator", 121, "Document failed validation", "Document failed validation"],
  ["a cut document", 16755, "Can't extract geo keys: { _id: 1, name: ", "Can't extract geo keys: {...}"],
  ["a text", 2, 'Cannot parse "sec\\"ret" as a date', 'Cannot parse "..." as a date'],
];

for (const [what, code, message, text] of SAID) {
  Deno.test(`errorText() passes on what MongoDB says, without the values it quotes: ${what}`, () => {
    assertEquals(errorText(new MongoServerError({ message, code })), text);
    const operation = { q: {}, u: { $set: { secret: 1 } } };
    const write = { code, errmsg: message, toJSON: () => ({ code, op: operation }) };
    assertEquals(errorText(write), text);
  });
}

Deno.test("errorText() bounds what MongoDB says", () => {
  const text = errorText(new MongoServerError({ message: "x".repeat(5000), code: 2 }));
  assertEquals(text, `${"x".repeat(500)}...`);
});
