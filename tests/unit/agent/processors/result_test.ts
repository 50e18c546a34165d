import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { PermanentError } from "../../../../agent/errors.ts";
import { entriesOf, resultOf } from "../../../support/results.ts";
import { setFields } from "../../../../agent/processors/set_fields.ts";

/** The error of a result that is a failure. */
async function failureOf(
  returned: unknown,
): Promise<Error & { permanent?: unknown; retryAfterMs?: unknown }> {
  const result = await resultOf(returned);
  assert(!result.ok, "it was believed");
  return result.error as Error;
}

class Client {
  set(): void {}
  ok = true;
}

for (
  const returned of [
    undefined,
    null,
    true,
    0,
    NaN,
    "set",
    "failed",
    Symbol("x"),
    1n,
    [],
    {},
    { total: 3 },
    { set: undefined },
    { set: null },
    { set: {} },
    { ok: true },
    { status: "rejected", _id: 1 },
    { status: "rejected", reason: "late", _id: 1 },
    { setup: 1, sent: 2, get: 3, Settings: 4 },
    { $metadata: { httpStatusCode: 200 }, ETag: "x" },
    { $: { id: "1" }, name: "x" },
    { _id: 1, success: false },
    { _id: 1, ok: false },
    [{ success: false }, { status: "failed" }, false, null],
    new Map([["set", 1]]),
    new Set(),
    new Headers(),
    new FormData(),
    new URLSearchParams("set=1"),
    new Uint8Array(3),
    new WeakMap(),
    new Client(),
    new Response("fine"),
    [new Response("fine")],
    new Date(),
    /x/,
    Object.create(null),
    { acknowledged: true, matchedCount: 0 },
  ]
) {
  Deno.test(`resultOf() believes ${Deno.inspect(returned)}, and sets nothing`, async () => {
    const result = await resultOf(returned);
    assert(result.ok);
    assertEquals(result.set, undefined);
  });
}

for (
  const [returned, ignored] of [
    [{ total: 3 }, ["total"]],
    [{ status: "failed", reason: "late" }, ["status", "reason"]],
    [{ _id: 1, total: 3 }, ["_id", "total"]],
    [{ ok: true, total: 3 }, ["ok", "total"]],
    [Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`n${n}`, n])), [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "n6",
      "n7",
      "n8",
      "n9",
    ]],
    [{ status: "fulfilled", value: { total: 3 } }, ["total"]],
    [{}, undefined],
    [{ ok: true }, undefined],
    [{ success: true }, undefined],
    [{ set: { total: 3 } }, undefined],
    [{ acknowledged: true, matchedCount: 0 }, undefined],
    [{ $metadata: {}, ETag: "x" }, undefined],
    [new Response("fine"), undefined],
    [new Map(), undefined],
    [[{ total: 3 }], undefined],
    ["text", undefined],
  ] as const
) {
  Deno.test(`resultOf() ignores ${ignored === undefined ? "nothing" : "the fields"} of ${Deno.inspect(returned).slice(0, 60)}`, async () => {
    const result = await resultOf(returned);
    assert(result.ok);
    assertEquals(result.ignored, ignored);
  });
}

const boom = new Error("boom");
function rejected(): Promise<never> {
  const promise = Promise.reject(boom);
  promise.catch(() => {}); // The test looks at it later.
  return promise;
}
const answered = Object.assign(new Error("busy"), { retryAfterMs: 5 });

for (
  const [what, returned, message] of [
    ["an Error", boom, /^boom$/],
    ["a DOMException", new DOMException("aborted", "AbortError"), /^aborted$/],
    ["false", false, /returned false/],
    ["a Response that is not ok", new Response("", { status: 503 }), /an answer with the status 503/],
    ["a list with such a Response", [new Response(""), new Response("", { status: 404 })], /status 404/],
    ["ok: false", { ok: false, error: "no such customer" }, /returned ok: false: no such customer/],
    ["ok: false with fields", { ok: false, set: { a: 1 } }, /ok: false/],
    ["ok: false with an Error", { ok: false, error: boom }, /^boom$/],
    ["success: false", { success: false, message: "declined" }, /success: false: declined/],
    ["a rejected record", { status: "rejected", reason: boom }, /^boom$/],
    ["a list with a rejected record", [{ status: "fulfilled", value: 1 }, {
      status: "rejected",
      reason: boom,
    }], /^boom$/],
    ["a list with an Error", [1, boom], /^boom$/],
    ["a fulfilled record of an Error", { status: "fulfilled", value: boom }, /^boom$/],
    ["a list of promises, one of which rejects", [Promise.resolve(1), rejected()], /^boom$/],
  ] as [string, unknown, RegExp][]
) {
  Deno.test(`resultOf() takes ${what} for a failure that is tried again`, async () => {
    const error = await failureOf(returned);
    assertMatch(error.message, message);
    assert(!error.permanent);
  });
}

Deno.test("resultOf() keeps what a returned error asks for", async () => {
  assertStrictEquals(await failureOf({ ok: false, error: answered }), answered);
  assertEquals((await failureOf({ ok: false, error: "x", permanent: true })).permanent, true);
  assertEquals((await failureOf({ success: false, retryAfterMs: 7 })).retryAfterMs, 7);
});

for (
  const [what, returned, message] of [
    ["a function", () => {}, /returned a function/],
    ["an async function", async () => {}, /returned a function/],
    ["a generator", (function* () {})(), /returned an iterator .*function\*/],
    ["an async generator", (async function* () {})(), /returned an iterator/],
    ["an iterator of an array", [1].values(), /returned an iterator/],
    ["$set", { $set: { a: 1 } }, /"\$set": fields to be written stand under "set"/],
    ["$inc", { $inc: { a: 1 } }, /"\$inc": fields to be written stand under "set"/],
    ["sett", { sett: { a: 1 } }, /"sett"/],
    ["Set", { Set: { a: 1 } }, /"Set"/],
    ["another name beside set", { set: { a: 1 }, unset: ["b"] }, /"unset" beside "set"/],
    [
      "a driver's answer that is spread beside set",
      { acknowledged: true, insertedId: 7, set: { a: 1 } },
      /returned "acknowledged", "insertedId" beside "set", .*: return \{ set: \{ \.\.\. \} \} alone$/,
    ],
    ["a function for set", { set() {} }, /"set" must be a plain object of fields, not a function/],
    ["a getter that throws", {
      get set() {
        throw new Error("gone");
      },
    }, /cannot be read: gone/],
    ["a revoked proxy", revoked(), /cannot be read/],
  ] as [string, unknown, RegExp][]
) {
  Deno.test(`resultOf() refuses ${what}, for which no retry helps`, async () => {
    const error = await failureOf(returned);
    assertMatch(error.message, message);
    assertEquals(error.permanent, true);
  });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

Deno.test("resultOf() returns fields with their size, of an instance of a class too", async () => {
  class Result {
    set = { total: 3 };
  }
  const expected = { ok: true as const, set: { total: 3 }, resultBytes: 16 };
  for (const returned of [{ set: { total: 3 } }, { ok: true, set: { total: 3 } }, new Result()]) {
    assertEquals(await resultOf(returned), expected);
  }
});

Deno.test("entriesOf() judges each entry on its own, promises and records of allSettled included", async () => {
  const work = (n: number) =>
    n % 2 === 0 ? Promise.resolve({ set: { n } }) : Promise.reject(new Error(`${n}`));
  const expected = ["set 0", "1", "set 2", "3"];
  for (const returned of [[0, 1, 2, 3].map(work), await Promise.allSettled([0, 1, 2, 3].map(work))]) {
    const results = await entriesOf(returned, 4);
    assertEquals(results.map((it) => it.ok ? `set ${it.set!.n}` : (it.error as Error).message), expected);
  }
});

Deno.test("entriesOf() takes a hole for a failure of its document alone, beside promises too", async () => {
  for (const last of [undefined, Promise.resolve()]) {
    const returned = new Array(3);
    returned[0] = 1;
    returned[2] = last;
    const results = await entriesOf(returned, 3);
    assertEquals(results.map(({ ok }) => ok), [true, false, true]);
    assertMatch(String((results[1] as { error: unknown }).error), /without an entry 1/);
  }
});

for (
  const returned of [undefined, {}, "abc", new Set([1, 2, 3]), [1, 2], [1, 2, 3, 4], (function* () {})(), {
    length: 3,
  }]
) {
  Deno.test(`entriesOf() refuses ${Deno.inspect(returned)} for three documents`, async () => {
    const error = await assertRejects(() => entriesOf(returned, 3));
    assertMatch(String(error), /must return an array with an entry for each of its 3 documents, not /);
  });
}

Deno.test("setFields() returns the fields as they are, dotted ones included", () => {
  const set = { total: 3, "address.city": "Ulm", nested: { status: "fine", $odd: 1 } };
  assertEquals(setFields(set)?.set, set);
});

for (const set of [[], ["total"], "total", 3, true, () => {}, new Map([["total", 3]]), new Date(0)]) {
  Deno.test(`setFields() refuses ${Deno.inspect(set)} for set`, () => {
    assertMatch(refusalOf(() => setFields(set)), /"set" must be a plain object of fields/);
  });
}

for (const field of ["_id", "_pull", "status", "processed_at", "error"]) {
  Deno.test(`setFields() refuses the agent's own field ${field} and all below it`, () => {
    for (const name of [field, `${field}.x`, `${field}.`]) {
      const problem = refusalOf(() => setFields({ fine: 1, [name]: 1 }));
      assertMatch(problem, new RegExp(`the field "${field}" belongs to the agent`));
    }
  });
}

Deno.test("setFields() takes fields that only begin like the agent's own", () => {
  const set = { status_code: 200, errors: [], _ids: 1, "x.status": 1 };
  assertEquals(setFields(set)?.set, set);
});

for (const field of ["", ".", "a.", ".a", "a..b", "$set", "$", "a.$b", "a.$[]"]) {
  Deno.test(`setFields() refuses the field name "${field}"`, () => {
    assertMatch(refusalOf(() => setFields({ [field]: 1 })), /is not a field name/);
  });
}

Deno.test("setFields() refuses a field and a part of it at once", () => {
  assertMatch(refusalOf(() => setFields({ "a.b.c": 1, x: 1, a: 1 })), /"a\.b\.c" is a part of "a"/);
  assertEquals(Object.keys(setFields({ "a-b": 1, a: 1, "ab.c": 1 })!.set), ["a-b", "a", "ab.c"]);
});

function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert(error instanceof PermanentError);
    return error.message;
  }
  throw new Error("it was not refused");
}
