import { assert, assertEquals, assertMatch } from "@std/assert";
import { Redactor } from "../../../../agent/text/redact.ts";
import { isPrintable } from "../../../../agent/text/terminal_text.ts";
import { RecordedLines } from "../../../support/recorded_lines.ts";
import { type Level, Logger, type LoggerOptions } from "../../../../agent/telemetry/logger.ts";

function logged(write: (log: Logger) => void, options: Partial<LoggerOptions> = {}): string[] {
  const output = new RecordedLines();
  write(new Logger({ level: "DEBUG", format: "json", output, ...options }));
  assertEquals(output.lost, []);
  return output.lines;
}

Deno.test("Logger names its agent in each line of JSON, and in none of text", () => {
  const write = (log: Logger) => {
    log.info("one", { n: 1 });
    log.info("two", { agent: "smith" });
  };
  const lines = logged(write, { agent: "pod-1" }).map((line) => JSON.parse(line));
  // What a processor says is not lost.
  assertEquals(lines.map(({ agent, n }) => [agent, n]), [["pod-1", 1], ["smith", undefined]]);
  const texts = logged(write, { agent: "pod-1", format: "text" });
  assertEquals(texts.map((line) => line.slice(13)), ["INFO    one n=1", "INFO    two agent=smith"]);
});

const CYCLE: Record<string, unknown> = { name: "cycle" };
CYCLE.self = CYCLE;

/** Fields that are hard to write down. */
const ODD: Record<string, Record<string, unknown>> = {
  "a cycle": { document: CYCLE },
  "a BigInt": { n: 12345678901234567890n },
  "an error": { error: new Error("it\nbroke") },
  "undefined": { nothing: undefined },
  "a function": { f: () => {} },
  "a symbol": { s: Symbol("s") },
  "a value that refuses to be JSON": {
    v: {
      toJSON: () => {
        throw new Error("no");
      },
    },
  },
  "a field that cannot be read": {
    get v() {
      throw new Error("no");
    },
  },
  "line breaks": { text: "one\ntwo\r\nthree\u2028four" },
  "control characters": { text: "\u001b[31mred\u0007" },
  "characters that turn the direction of a text": { text: "a\u202eb\u2066c\u200fd" },
};

for (const [name, fields] of Object.entries(ODD)) {
  Deno.test(`Logger writes one valid line of JSON for ${name}`, () => {
    const [line, ...more] = logged((log) => log.info("Something", fields));
    assertEquals(more, []);
    const { level, message, time } = JSON.parse(line!);
    assertEquals([level, message], ["INFO", "Something"]);
    assertEquals(new Date(time).toISOString(), time);
    assert(!/[\n\r]/.test(line!));
  });
  Deno.test(`Logger writes one line of text for ${name}`, () => {
    const [line, ...more] = logged((log) => log.info("Something", fields), { format: "text" });
    assertEquals(more, []);
    assert(isPrintable(line!), JSON.stringify(line));
    assertMatch(line!, /^\d\d:\d\d:\d\d\.\d{3} INFO {4}Something/);
  });
}

Deno.test("Logger writes fields beside the message, errors as their text, and leaves out what is undefined", () => {
  const [line] = logged((log) => log.warn("Something", { id: 7, error: new Error("broke"), no: undefined }));
  const { time: _, ...rest } = JSON.parse(line!);
  assertEquals(rest, { level: "WARNING", message: "Something", id: 7, error: "broke" });
});

Deno.test("Logger lets no field take the place of time, level or message", () => {
  const [line] = logged((log) => log.error("mine", { time: "never", level: "DEBUG", message: "theirs" }));
  const { level, message, time } = JSON.parse(line!);
  assertEquals([level, message], ["ERROR", "mine"]);
  assert(time !== "never");
});

Deno.test("Logger quotes text values only if that is needed to tell them apart", () => {
  const fields = { plain: "abc", blank: "a b", empty: "", quote: 'a"b', equals: "a=b", n: 3, list: [1] };
  const [line] = logged((log) => log.info("Something", fields), { format: "text" });
  assertMatch(line!, / plain=abc blank="a b" empty="" quote="a\\"b" equals="a=b" n=3 list=\[1\]$/);
});

Deno.test("Logger keeps a message of several lines on one", () => {
  const [line, ...more] = logged((log) => log.info("one\ntwo\r\nthree"), { format: "text" });
  assertEquals(more, []);
  assertMatch(line!, /one\\ntwo\\r\\nthree$/);
});

Deno.test("Logger hides credentials in every part of a line", () => {
  const uri = 'mongodb://user:hun"ter2@db/';
  for (const format of ["json", "text"] as const) {
    const lines = logged((log) => {
      log.info(`Connected to ${uri}`);
      log.info("Connected", { uri, nested: { error: `cannot reach ${uri}` }, error: new Error(uri) });
    }, { format, redactor: new Redactor(uri) });
    assertEquals(lines.length, 2);
    for (const line of lines) assert(!line.includes("ter2"), line);
  }
});

const LEVELS: Level[] = ["DEBUG", "INFO", "WARNING", "ERROR"];
for (const [index, level] of LEVELS.entries()) {
  Deno.test(`Logger at ${level} writes that and everything worse`, () => {
    const lines = logged((log) => {
      assertEquals(LEVELS.filter((each) => log.writes(each)), LEVELS.slice(index));
      log.debug("a");
      log.info("b");
      log.warn("c");
      log.error("d");
    }, { level });
    assertEquals(lines.map((line) => JSON.parse(line).level), LEVELS.slice(index));
  });
}
