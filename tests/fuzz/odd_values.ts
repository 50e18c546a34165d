/**
 * Values as a processor may return or throw them, with what must become of them. What is expected is told by the value's
 * own recipe, not by looking at the value: the code under trial looks at it.
 *
 * @module
 */

import { BSON } from "bson";
import { integerFrom, pick } from "../support/random.ts";

/** How to make a value; it is made anew for each run, and its text is for reports. */
export interface Recipe {
  text: string;
  make(): unknown;
  /** What the database holds when it has been written exactly; undefined when it must not be written at all. */
  stored?: unknown;
}

/** Any value, to be written under a name. */
export function randomRecipe(random: () => number, depth = 0): Recipe {
  const kind = random();
  if (depth < 3 && kind < 0.15) return objectRecipe(random, depth);
  if (depth < 3 && kind < 0.25) return arrayRecipe(random, depth);
  return kind < 0.75 ? pick(random, WRITABLE)(random) : pick(random, UNWRITABLE)(random);
}

/** A value that is thrown, or returned as a whole. */
export function randomThing(random: () => number): Recipe {
  const inner = randomRecipe(random);
  const wrap = pick<(inner: Recipe) => Recipe>(random, [
    (it) => it,
    (it) => ({ text: `[${it.text}]`, make: () => [it.make()] }),
    (it) => ({ text: `{ ok: false, error: ${it.text} }`, make: () => ({ ok: false, error: it.make() }) }),
    (it) => ({ text: `Promise.resolve(${it.text})`, make: () => Promise.resolve(it.make()) }),
    (it) => ({ text: `{ value: ${it.text} }`, make: () => ({ value: it.make() }) }),
    (it) => ({ text: `error with ${it.text}`, make: () => errorWith(it.make()) }),
  ]);
  return random() < 0.5 ? wrap(inner) : pick(random, THINGS);
}

const plain = (text: string, make: () => unknown, stored: unknown = make()): Recipe => ({
  text,
  make,
  stored,
});
const unwritable = (text: string, make: () => unknown): Recipe => ({ text, make });

/** What can be written exactly. */
const WRITABLE: ((random: () => number) => Recipe)[] = [
  (random) => {
    const text = pick(random, ["", "x", "é\u{1f600}", "a\0b", "$a", "x".repeat(5000), "\u2028", "__proto__"]);
    return plain(JSON.stringify(text.slice(0, 20)), () => text);
  },
  (random) => {
    const n = pick(random, [
      0,
      1,
      -1,
      2 ** 31,
      2 ** 53,
      0.1,
      NaN,
      Infinity,
      -Infinity,
      1e308,
      5e-324,
      -(2 ** 31),
    ]);
    return plain(String(n), () => n);
  },
  () => plain("null", () => null),
  () => plain("true", () => true),
  () => plain("Date", () => new Date(5)),
  () => plain("bigint", () => 2n ** 62n, BSON.Long.fromBigInt(2n ** 62n)),
  () => plain("bytes", () => new Uint8Array([1, 2, 3]), new BSON.Binary(new Uint8Array([1, 2, 3]))),
  () => plain("{}", () => ({})),
  () => plain("[]", () => []),
  () => plain("Object.create(null)", () => Object.assign(Object.create(null), { a: 1 }), { a: 1 }),
  () => plain("/a/i", () => /a/i, new BSON.BSONRegExp("a", "i")),
  () =>
    plain("getter", () => ({
      get a() {
        return 1;
      },
    }), { a: 1 }),
  () => plain("frozen", () => Object.freeze({ a: 1 }), { a: 1 }),
  () => plain("ObjectId", () => new BSON.ObjectId("0123456789abcdef01234567")),
  () => plain("Decimal128", () => BSON.Decimal128.fromString("1.50")),
];

/** What no database can hold as it is. */
const UNWRITABLE: ((random: () => number) => Recipe)[] = [
  () => unwritable("function", () => () => 1),
  () => unwritable("symbol", () => Symbol("x")),
  () => unwritable("huge BigInt", () => 2n ** 70n),
  () => unwritable("invalid Date", () => new Date(NaN)),
  () => unwritable("lone surrogate", () => "\ud800"),
  () => unwritable("Map", () => new Map([["a", 1]])),
  () => unwritable("Set", () => new Set([1])),
  () => unwritable("Headers", () => new Headers({ a: "b" })),
  () => unwritable("Promise", () => Promise.resolve(1)),
  () =>
    unwritable("rejected Promise", () => {
      const rejected = Promise.reject(new Error("inner"));
      rejected.catch(() => {});
      return rejected;
    }),
  () =>
    unwritable("getter that throws", () => ({
      get a() {
        throw new Error("no");
      },
    })),
  () =>
    unwritable("Proxy that throws", () =>
      new Proxy({}, {
        get: throwing,
        has: throwing,
        ownKeys: throwing,
        getPrototypeOf: throwing,
        getOwnPropertyDescriptor: throwing,
      })),
  () =>
    unwritable("revoked Proxy", () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    }),
  () =>
    unwritable("cycle", () => {
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      return cycle;
    }),
  () =>
    unwritable("deep", () => {
      let deep: unknown = 1;
      for (let level = 0; level < 5000; level++) deep = { deep };
      return deep;
    }),
  () =>
    unwritable("class", () =>
      new (class Order {
        total = 1;
      })()),
  () => unwritable("WeakMap", () => new WeakMap()),
  () => unwritable("ArrayBuffer", () => new ArrayBuffer(4)),
  () => unwritable("Float64Array", () => new Float64Array(2)),
  () => unwritable("/a/g", () => /a/g),
  () => unwritable("[undefined]", () => [undefined]),
  () => unwritable("hole", () => [1, , 2]),
  () => unwritable("NUL in a name", () => ({ "a\0b": 1 })),
  () => unwritable("17 MiB", () => "x".repeat(17 * 1024 * 1024)),
  () => unwritable("Error", () => new Error("as a value")),
  () => unwritable("false _bsontype", () => ({ _bsontype: "ObjectId", id: "x" })),
];

/** What is returned or thrown instead of what was meant. */
const THINGS: Recipe[] = [
  unwritable("generator", () => (function* () {})()),
  unwritable("async generator", () => (async function* () {})()),
  unwritable("AggregateError", () => new AggregateError([new Error("a"), 1, null], "several")),
  unwritable(
    "error whose message throws",
    () => Object.defineProperty(new Error(), "message", { get: throwing }),
  ),
  unwritable("error whose cause is itself", () => {
    const error = new Error("round");
    error.cause = error;
    return error;
  }),
  unwritable(
    "error of odd wishes",
    () => Object.assign(new Error("x"), { permanent: "no", retryAfterMs: "soon" }),
  ),
  unwritable("retryAfterMs NaN", () => Object.assign(new Error("x"), { retryAfterMs: NaN })),
  unwritable("retryAfterMs -1", () => Object.assign(new Error("x"), { retryAfterMs: -1 })),
  unwritable("error of a megabyte", () => new Error("x".repeat(1_000_000))),
  unwritable("error with a lone surrogate", () => new Error("a\ud800b")),
  unwritable("error with NUL", () => new Error("a\0b\u001b[2J")),
  unwritable("DOMException", () => new DOMException("gone", "AbortError")),
  unwritable("thenable that never settles is none", () => ({ then: 1 })),
  unwritable("thenable that throws", () => ({ then: throwing })),
  unwritable(
    "thenable that rejects",
    () => ({ then: (_: unknown, no: (why: unknown) => void) => no(undefined) }),
  ),
  unwritable("Response", () => new Response("x", { status: 500 })),
  unwritable("array with holes", () => [, new Error("x")]),
  unwritable("Proxy of an array", () => new Proxy([1], { get: throwing })),
  unwritable("undefined", () => undefined),
  unwritable("false", () => false),
];

function throwing(): never {
  throw new Error("a trap");
}

function errorWith(cause: unknown): Error {
  const error = new Error("with a cause", { cause });
  return Object.assign(error, { details: cause, code: cause });
}

function objectRecipe(random: () => number, depth: number): Recipe {
  const entries = Array.from(
    { length: integerFrom(random, 0, 3) },
    (_, index) =>
      [
        `${pick(random, ["a", "b", "10", "9", "constructor", "length", "é"])}${index}`,
        randomRecipe(random, depth + 1),
      ] as const,
  );
  const isWritable = entries.every(([, recipe]) => "stored" in recipe);
  return {
    text: `{ ${entries.map(([name, { text }]) => `${name}: ${text}`).join(", ")} }`,
    make: () => Object.fromEntries(entries.map(([name, recipe]) => [name, recipe.make()])),
    ...(isWritable && { stored: Object.fromEntries(entries.map(([name, { stored }]) => [name, stored])) }),
  };
}

function arrayRecipe(random: () => number, depth: number): Recipe {
  const items = Array.from({ length: integerFrom(random, 0, 3) }, () => randomRecipe(random, depth + 1));
  const isWritable = items.every((recipe) => "stored" in recipe);
  return {
    text: `[${items.map(({ text }) => text).join(", ")}]`,
    make: () => items.map((recipe) => recipe.make()),
    ...(isWritable && { stored: items.map(({ stored }) => stored) }),
  };
}
