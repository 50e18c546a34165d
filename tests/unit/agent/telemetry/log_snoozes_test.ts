import { assertEquals } from "@std/assert";
import { type AgentEvent, Events } from "../../../../agent/events.ts";
import { logEvents } from "../../../../agent/telemetry/log_events.ts";
import { Logger } from "../../../../agent/telemetry/logger.ts";
import { ManualClock } from "../../../support/manual_clock.ts";
import { RecordedLines } from "../../../support/recorded_lines.ts";

function setUp() {
  const clock = new ManualClock();
  const output = new RecordedLines();
  const events = new Events();
  const log = new Logger({ level: "INFO", format: "json", output });
  logEvents(events, log, { clock, formatId: (id) => `<${id}>` });
  return { clock, events, output };
}

Deno.test("logEvents() reports from time to time how many documents were put off, and the rest at the end of a drain", async () => {
  const { clock, events, output } = setUp();
  const lines = () =>
    output.lines.map((line) => JSON.parse(line)).filter(({ message }) => /off/.test(message));
  for (const documents of [2, 3]) events.emit({ type: "snoozed", documents });
  await clock.advance(5000);
  events.emit({ type: "snoozed", documents: 4 });
  assertEquals(lines().map(({ documents, level, message }) => [level, message, documents]), [
    ["INFO", "Put documents off, as their processor asked", 5],
  ]);
  events.emit({ type: "drain_finished", finished: 9, released: 0, abandoned: 0, elapsedMs: 1 });
  assertEquals(lines().map(({ documents }) => documents), [5, 4]);
});

Deno.test("logEvents() names a document whose snooze is refused as one whose release is", () => {
  const { events, output } = setUp();
  const happened: AgentEvent[] = [
    { type: "settle_rejected", kind: "snooze", id: 7, error: new Error("it broke"), next: "nothing" },
    { type: "drain_finished", finished: 0, released: 0, abandoned: 1, elapsedMs: 1 },
  ];
  for (const event of happened) events.emit(event);
  const [line] = output.lines.map((each) => JSON.parse(each)).filter(({ message }) =>
    /refuses to set documents back to pending/.test(message)
  );
  assertEquals([line?.level, line?.ids], ["ERROR", ["<7>"]]);
});
