import { assertEquals } from "@std/assert";
import { EventLog } from "../../../support/event_log.ts";

Deno.test("logEvents() reports from time to time how many documents were put off, and the rest at the end of a drain", async () => {
  const log = new EventLog("INFO");
  const lines = () => log.lines.filter(({ message }) => /off/.test(message));
  log.emit({ type: "snoozed", documents: 2 }, { type: "snoozed", documents: 3 });
  await log.clock.advance(5000);
  log.emit({ type: "snoozed", documents: 4 });
  assertEquals(lines().map(({ documents, level, message }) => [level, message, documents]), [
    ["INFO", "Put documents off, as their processor asked", 5],
  ]);
  log.emit({ type: "drain_finished", finished: 9, released: 0, abandoned: 0, elapsedMs: 1 });
  assertEquals(lines().map(({ documents }) => documents), [5, 4]);
});

Deno.test("logEvents() names a document whose snooze is refused as one whose release is", () => {
  const log = new EventLog("INFO");
  log.emit(
    {
      type: "settle_rejected",
      kind: "snooze",
      id: 7,
      attempt: 1,
      error: new Error("it broke"),
      next: "nothing",
    },
    { type: "drain_finished", finished: 0, released: 0, abandoned: 1, elapsedMs: 1 },
  );
  const [line] = log.lines.filter(({ message }) => /refuses to set documents back to pending/.test(message));
  assertEquals([line?.level, line?.ids], ["ERROR", ["<7>"]]);
});
