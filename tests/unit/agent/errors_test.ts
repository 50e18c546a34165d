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
