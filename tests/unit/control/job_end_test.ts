import { assertEquals } from "@std/assert";
import { NOTHING_LEFT } from "../../../agent/drain.ts";
import { Events } from "../../../agent/events.ts";
import { Logger } from "../../../agent/telemetry/logger.ts";
import { JobEnd } from "../../../control/job_end.ts";
import { RecordedLines } from "../../support/recorded_lines.ts";

function endOf(refused: number): { end: JobEnd; lines: () => Record<string, unknown>[] } {
  const events = new Events();
  const output = new RecordedLines();
  const end = new JobEnd(events, { untilEmpty: true });
  for (let id = 1; id <= refused; id++) {
    const common = { type: "settle_rejected", kind: "dead_letter", id, failure: undefined } as const;
    events.emit({ ...common, error: new Error(`no ${id}`), next: "dead_letter" });
    events.emit({ ...common, error: new Error(`no ${id}`), next: "nothing" });
  }
  end.drained(NOTHING_LEFT);
  end.tell(new Logger({ format: "json", level: "INFO", output }), {});
  return { end, lines: () => output.lines.map((line) => JSON.parse(line)) };
}

Deno.test("JobEnd fails over documents whose outcome is refused, counts them, and names the first", () => {
  const { end, lines } = endOf(3);
  assertEquals(end.isFailure, true);
  assertEquals(lines().map(({ level, documents, example, error }) => [level, documents, example, error]), [
    ["ERROR", 3, "1", "no 1"],
  ]);
});

Deno.test("JobEnd of a run that left nothing is a success", () => {
  const { end, lines } = endOf(0);
  assertEquals([end.isFailure, lines().map(({ level }) => level)], [false, ["INFO"]]);
});
