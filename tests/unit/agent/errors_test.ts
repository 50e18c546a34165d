import { MongoClient, MongoServerError } from "mongodb";
import {
  assert,
  assertEquals,
  assertFalse,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { errorStack, errorText, isSystemError, PermanentError, UsageError } from "../../../agent/errors.ts";
import { secrets } from "../../../agent/text/redact.ts";

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
  [
    "a command without the right to it",
    13,
    'not authorized on t to execute command { update: "documents", ordered: true, updates: [ { q: { a: "secret" } } ], $db: "t" }',
    'not authorized on t to execute command { update: "documents", ... }: grant the user update on t.documents, as the role readWrite on t does',
  ],
  [
    "a command on a cursor",
    13,
    'not authorized on t to execute command { getMore: 812736, collection: "documents" }',
    "not authorized on t to execute command { getMore: ... }: grant the user find on the database t, as the role readWrite on t does",
  ],
  [
    "an index that is there with other keys",
    86,
    'Requested index: { v: 2, key: { a: 1 }, name: "x" }, existing index: { v: 2, key: { b: 1 }, name: "x" }',
    'Requested index: { v: 2, key: { a: 1 }, name: "x" }, existing index: { v: 2, key: { b: 1 }, name: "x" }',
  ],
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
  assertEquals(text, `${"x".repeat(499)}…`);
});

Deno.test("errorText() names the fields that a validator refuses, and none of their values", () => {
  const errInfo = {
    failingDocumentId: "an id",
    details: {
      operatorName: "$jsonSchema",
      schemaRulesNotSatisfied: [
        {
          operatorName: "properties",
          propertiesNotSatisfied: [
            { propertyName: "total", details: [{ operatorName: "bsonType", consideredValue: "a secret" }] },
          ],
        },
        { operatorName: "required", specifiedAs: { required: ["mail"] }, missingProperties: ["mail"] },
      ],
    },
  };
  const error = new MongoServerError({ message: "Document failed validation", code: 121, errInfo });
  assertEquals(errorText(error), "Document failed validation (fields: total, mail)");
});

function causedBy(message: string, cause: unknown): Error {
  return new Error(message, { cause });
}

const CIRCULAR = new Error("round");
CIRCULAR.cause = causedBy("and", CIRCULAR);

/** `depth` errors, each the cause of the one before. */
function chain(depth: number): Error {
  let error = new Error(`cause ${depth}`);
  for (let index = depth - 1; index >= 0; index--) error = causedBy(`cause ${index}`, error);
  return error;
}

const UNREADABLE_LIST = Object.assign(new Error("it broke"), {
  errors: new Proxy([], { get: throwing }),
});

for (
  const [name, thrown, expected] of [
    [
      "a cause",
      causedBy("fetch failed", new Error("connection refused")),
      "fetch failed (cause: connection refused)",
    ],
    ["a cause of a cause", causedBy("a", causedBy("b", new Error("c"))), "a (cause: b (cause: c))"],
    ["a cause that is said already", causedBy("fetch: refused", new Error("refused")), "fetch: refused"],
    ["a cause that is no error", causedBy("it broke", { code: 7 }), 'it broke (cause: {"code":7})'],
    ["a circle of causes", CIRCULAR, "round (cause: and)"],
    [
      "an AggregateError",
      new AggregateError([new Error("one"), "two", new Error("one")], "All promises were rejected"),
      "All promises were rejected (errors: one; two)",
    ],
    [
      "an AggregateError without a message",
      new AggregateError([new Error("one")]),
      "AggregateError (errors: one)",
    ],
    [
      "an AggregateError of many",
      new AggregateError(Array.from({ length: 1000 }, (_, index) => new Error(`<${index}>`)), "many"),
      "many (errors: <0>; <1>; <2>; <3>; <4>; <5>; <6>; <7>; <8>; and 91 more)",
    ],
    ["a list that cannot be read", UNREADABLE_LIST, "it broke"],
    [
      "a SuppressedError",
      new SuppressedError(new Error("closing failed"), new Error("reading failed"), "both failed"),
      "both failed (errors: closing failed; reading failed)",
    ],
    ["a DOMException", new DOMException("too slow", "TimeoutError"), "too slow"],
  ] as [string, unknown, string][]
) {
  Deno.test(`errorText() reads ${name}`, () => assertEquals(errorText(thrown), expected));
}

Deno.test("errorText() reads a chain of causes to a bounded depth", () => {
  const text = errorText(chain(1000));
  assert(text.startsWith("cause 0 (cause: cause 1 (cause: cause 2"), text);
  assertFalse(text.includes("cause 10"), text);
});

Deno.test("errorText() is bounded, however much was thrown", () => {
  for (
    const thrown of [new Error("x".repeat(50_000_000)), "y".repeat(1_000_000), { z: "z".repeat(1_000_000) }]
  ) {
    assertLessOrEqual(errorText(thrown).length, 4000);
  }
});

Deno.test("errorText() tells why the driver finds no server", async () => {
  await using client = new MongoClient("mongodb://127.0.0.1:1/", { serverSelectionTimeoutMS: 1500 });
  const error = await assertRejects(() => client.db("x").command({ ping: 1 }));
  assertStringIncludes(errorText(error), "ECONNREFUSED");
});

Deno.test("errorText() names each refused write of a bulk once", () => {
  const errmsg = (what: string) => ({ code: 2, errmsg: `Cannot ${what} {a: "secret"}` });
  const error = Object.assign(new MongoServerError({ message: 'Cannot move {a: "secret"}', code: 2 }), {
    writeErrors: [errmsg("move"), errmsg("turn"), errmsg("turn")],
  });
  assertEquals(errorText(error), "Cannot move {...} (errors: Cannot turn {...})");
});

Deno.test("errorStack() returns the stacks of an error and its causes, and nothing for other values", () => {
  const stack = errorStack(causedBy("outer", new TypeError("inner")))!;
  assertMatch(stack, /^Error: outer\n +at causedBy [^]*\nCaused by: TypeError: inner\n +at /);
  for (const thrown of ["text", undefined, { stack: 7 }, new Proxy({}, { get: throwing })]) {
    assertEquals(errorStack(thrown), undefined);
  }
  assertMatch(errorStack(CIRCULAR)!, /^Error: round/);
});

Deno.test("errorText() and errorStack() hide what the process keeps secret, in causes and parts as well", () => {
  secrets.learn("mongodb://user:s3cret-of-tests@db");
  const inner = new Error("login with s3cret-of-tests failed");
  for (const error of [inner, causedBy("outer", inner), new AggregateError([inner], "all")]) {
    assertStringIncludes(errorText(error), "login with *** failed");
    assertFalse((errorText(error) + errorStack(error)).includes("s3cret-of-tests"));
  }
  assertStringIncludes(errorStack(causedBy("outer", inner))!, "login with *** failed");
});

Deno.test("isSystemError() tells what the operating system refuses from what is a bug", async () => {
  const refused: (() => Promise<unknown>)[] = [
    () => Deno.readTextFile("/nowhere/file"),
    () => Deno.readTextFile("/tmp"),
    () => Deno.mkdir("/proc/new"),
    () => Deno.readTextFile("/dev/null/below"),
  ];
  for (const act of refused) assert(isSystemError(await assertRejects(act)), String(act));
  for (const bug of [new TypeError("x is not a function"), new Error("ENOENT"), "ENOENT", undefined]) {
    assertFalse(isSystemError(bug));
  }
});
