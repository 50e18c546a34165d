import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { errorStack, errorText } from "../../../../agent/errors.ts";
import { documentLog } from "../../../../agent/telemetry/document_log.ts";
import { Logger } from "../../../../agent/telemetry/logger.ts";
import { pick, rounds, testRandom } from "../../../support/random.ts";
import { randomThrown } from "../../../support/random_thrown.ts";
import { RecordedLines } from "../../../support/recorded_lines.ts";

const ROUNDS = rounds(250);

Deno.test("errorText() and errorStack() have a bounded text for any thrown value, and never throw", () => {
  const random = testRandom(12);
  for (let round = 0; round < ROUNDS; round++) {
    const thrown = randomThrown(random);
    const text = errorText(thrown);
    assertEquals(typeof text, "string");
    assertLessOrEqual(text.length, 4000);
    assertLessOrEqual(errorStack(thrown)?.length ?? 0, 8000);
  }
});

Deno.test("documentLog() writes one line for any arguments, or counts it, and never throws", () => {
  const random = testRandom(17);
  for (const format of ["json", "text"] as const) {
    const output = new RecordedLines();
    const log = documentLog(new Logger({ level: "DEBUG", format, output }), () => ({ id: 7 }));
    // deno-lint-ignore no-explicit-any -- any arguments of a user's module
    const methods = Object.values(log) as ((...args: any[]) => void)[];
    for (let round = 0; round < ROUNDS; round++) {
      pick(random, methods)(randomThrown(random), randomThrown(random));
    }
    assertEquals(output.lines.length + output.lost.length, ROUNDS);
    assertLessOrEqual(output.lost.length, ROUNDS / 10);
    for (const line of output.lines) {
      assertLessOrEqual(line.length, 400_000);
      assert(!/[\n\r]/.test(line), line);
      if (format === "json") assertEquals(typeof JSON.parse(line).message, "string");
    }
  }
});
