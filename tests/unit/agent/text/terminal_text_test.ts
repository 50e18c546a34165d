import { assert, assertEquals } from "@std/assert";
import { formatId } from "../../../../agent/store/documents/format_id.ts";
import { Logger } from "../../../../agent/telemetry/logger.ts";
import { Printer } from "../../../../agent/telemetry/printer.ts";
import { Redactor } from "../../../../agent/text/redact.ts";
import { inOneLine, isPrintable, printable, printableLines } from "../../../../agent/text/terminal_text.ts";
import { rounds, testRandom } from "../../../support/random.ts";
import { commandsIn, randomText } from "../../../support/random_text.ts";
import { RecordedLines } from "../../../support/recorded_lines.ts";

const SEED = 23;
const RUNS = rounds(250);

Deno.test("printable() and its like let no character through that commands a terminal", () => {
  const random = testRandom(SEED);
  for (let run = 0; run < RUNS; run++) {
    const text = randomText(random);
    assertEquals(printableLines(text).split(/[\n\t]/).flatMap(commandsIn), [], JSON.stringify(text));
    assertEquals(commandsIn(printable(text)), [], JSON.stringify(text));
    assertEquals(commandsIn(inOneLine(text)), [], JSON.stringify(text));
    assertEquals(isPrintable(text), commandsIn(text).length === 0, JSON.stringify(text));
  }
});

Deno.test("printable() leaves plain text as it is, and JSON with the same meaning", () => {
  const plain = "Größe 5 µm, 数 😀";
  assertEquals([printable(plain), printableLines(plain), inOneLine(plain)], [plain, plain, plain]);
  assertEquals([printableLines("a\nb\tc\u0007"), printable("a\r\nb\tc\u202e")], [
    "a\nb\tc\\u0007",
    "a\\r\\nb\\tc\\u202e",
  ]);
  const random = testRandom(SEED);
  for (let run = 0; run < RUNS; run++) {
    const value = { [randomText(random)]: [randomText(random)] };
    assertEquals(JSON.parse(printableLines(JSON.stringify(value, undefined, 2))), value);
  }
});

for (const format of ["json", "text"] as const) {
  Deno.test(`Logger lets no character through that commands a terminal, in ${format}`, () => {
    const random = testRandom(SEED);
    const text = () => randomText(random);
    const output = new RecordedLines();
    const log = new Logger({ level: "DEBUG", format, output, redactor: new Redactor() });
    for (let run = 0; run < RUNS; run++) {
      log.info(text(), { [text()]: text(), error: new Error(text()), list: [text(), { [text()]: text() }] });
      log.error(text(), new Error(text()));
    }
    assertEquals([output.lines.length, output.lost], [2 * RUNS, []]);
    for (const line of output.lines) assertEquals(commandsIn(line), [], JSON.stringify(line));
  });
}

Deno.test("Printer and formatId() let no character through that commands a terminal", async () => {
  const random = testRandom(SEED);
  const texts = Array.from({ length: RUNS }, () => randomText(random));
  let printed = "";
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const printer = new Printer({
    write: (bytes) => {
      printed += decoder.decode(bytes);
      return Promise.resolve(bytes.length);
    },
  });
  for (const text of texts) await printer.print(text);
  await printer.finish();
  assert(printed.split("\n").length > RUNS);
  assertEquals(printed.split(/[\n\t]/).flatMap(commandsIn), []);
  for (const text of texts) {
    for (const id of [text, { [text]: text }, [text]]) {
      assertEquals(commandsIn(formatId(id)), [], JSON.stringify(id));
    }
  }
});
