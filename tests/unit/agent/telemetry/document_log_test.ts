import { assertEquals, assertMatch } from "@std/assert";
import { documentLog } from "../../../../agent/telemetry/document_log.ts";
import { type Level, Logger } from "../../../../agent/telemetry/logger.ts";
import { RecordedLines } from "../../../support/recorded_lines.ts";

function setUp(level: Level = "INFO") {
  const output = new RecordedLines();
  const log = documentLog(new Logger({ level, format: "json", output }), () => ({ id: "7", attempt: 2 }));
  return { output, log, entries: () => output.lines.map((line) => JSON.parse(line)) };
}

/** Any arguments that a user's module may pass. */
// deno-lint-ignore no-explicit-any
type Anything = any;

function throwing(): never {
  throw new Error("not even this can be read");
}

const error = new TypeError("it broke", { cause: new Error("no power") });

for (
  const [what, args, expected] of [
    ["fields", ["said", { a: 1 }], { message: "said", a: 1 }],
    ["nothing besides", ["said"], { message: "said" }],
    ["null", ["said", null], { message: "said" }],
    ["an error in place of fields", ["said", error], {
      message: "said",
      error: "it broke (cause: no power)",
    }],
    ["an error among the fields", ["said", { why: error }], {
      message: "said",
      why: "it broke (cause: no power)",
    }],
    ["an error alone", [error], {
      message: "it broke (cause: no power)",
      error: "it broke (cause: no power)",
    }],
    ["a text in place of fields", ["said", "more"], { message: "said", fields: "more" }],
    ["a list in place of fields", ["said", [1, 2]], { message: "said", fields: [1, 2] }],
    ["an object as message", [{ a: 1 }], { message: '{"a":1}' }],
    ["nothing at all", [], { message: "undefined" }],
    ["a symbol", [Symbol("s")], { message: "Symbol(s)" }],
    [
      "a field that cannot be read",
      ["said", {
        a: 1,
        get b() {
          return throwing();
        },
      }],
      { message: "said", a: 1, b: "(unreadable)" },
    ],
  ] as [string, Anything[], Record<string, unknown>][]
) {
  Deno.test(`documentLog() takes ${what}`, () => {
    const { log, entries } = setUp();
    (log.error as Anything)(...args);
    const [{ time: _, ...entry }] = entries() as [Record<string, unknown>];
    assertEquals(entry, { level: "ERROR", id: "7", attempt: 2, ...expected });
  });
}

Deno.test("documentLog() tells at DEBUG where an error was made, on the same line", () => {
  const { log, entries } = setUp("DEBUG");
  (log.error as Anything)("said", error);
  const [entry, ...more] = entries();
  assertEquals(more, []);
  assertMatch(entry.stack, /^TypeError: it broke\n +at [^]*\nCaused by: Error: no power\n +at/);
});

Deno.test("documentLog() never throws, and counts the lines that cannot be made", () => {
  const { log, output } = setUp();
  const hostile = new Proxy({}, { ownKeys: throwing, get: throwing, getPrototypeOf: throwing });
  const { info } = log as Anything;
  info("said", hostile);
  info(hostile);
  assertEquals(output.lost.length + output.lines.length, 2);
});
