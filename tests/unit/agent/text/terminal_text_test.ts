import { assertEquals } from "@std/assert";
import { formatId } from "../../../../agent/store/documents/format_id.ts";
import { Logger } from "../../../../agent/telemetry/logger.ts";
import { Redactor } from "../../../../agent/text/redact.ts";
import { inOneLine, isPrintable, printable, printableLine } from "../../../../agent/text/terminal_text.ts";
import { print, printAnswer } from "../../../../health/print.ts";
import { captureConsole } from "../../../support/captured_console.ts";
import { seededRandom } from "../../../support/random.ts";
import { commandsIn, randomText } from "../../../support/random_text.ts";
import { RecordedLines } from "../../../support/recorded_lines.ts";

const SEED = 23;
const RUNS = 2000;

Deno.test(`printable() and its like let no character through that commands a terminal (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let run = 0; run < RUNS; run++) {
    const text = randomText(random);
    assertEquals(printable(text).split("\n").flatMap(commandsIn), [], JSON.stringify(text));
    assertEquals(commandsIn(printableLine(text)), [], JSON.stringify(text));
    assertEquals(commandsIn(inOneLine(text)), [], JSON.stringify(text));
    assertEquals(isPrintable(text), commandsIn(text).length === 0, JSON.stringify(text));
  }
});

Deno.test("printable() leaves plain text as it is, and JSON with the same meaning", () => {
  const plain = "Größe 5 µm, 数 😀";
  assertEquals([printable(plain), printableLine(plain), inOneLine(plain)], [plain, plain, plain]);
  assertEquals([printable("a\nb\tc"), printableLine("a\r\nb\tc\u202e")], [
    "a\nb\\u0009c",
    "a\\r\\nb\\tc\\u202e",
  ]);
  const random = seededRandom(SEED);
  for (let run = 0; run < RUNS; run++) {
    const value = { [randomText(random)]: [randomText(random)] };
    assertEquals(JSON.parse(printable(JSON.stringify(value, undefined, 2))), value);
  }
});

for (const format of ["json", "text"] as const) {
  Deno.test(`Logger lets no character through that commands a terminal, in ${format} (seed ${SEED})`, () => {
    const random = seededRandom(SEED);
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

Deno.test(`print() and formatId() let no character through that commands a terminal (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const texts = Array.from({ length: RUNS }, () => randomText(random));
  const { out } = await captureConsole(() => {
    for (const text of texts) {
      print(text);
      printAnswer(text);
    }
  });
  assertEquals(out.length, 2 * RUNS);
  assertEquals(out.flatMap((line) => line.split("\n")).flatMap(commandsIn), []);
  for (const text of texts) {
    for (const id of [text, { [text]: text }, [text]]) {
      assertEquals(commandsIn(formatId(id)), [], JSON.stringify(id));
    }
  }
});
