import { assertEquals } from "@std/assert";
import { NOTHING_LEFT, PROCESSOR_FAILS } from "../../../agent/drain.ts";
import { Events } from "../../../agent/events.ts";
import { Logger } from "../../../agent/telemetry/logger.ts";
import { JobEnd } from "../../../control/job_end.ts";
import { RecordedLines } from "../../support/recorded_lines.ts";

function endOf(refused: number): { end: JobEnd; lines: () => Record<string, unknown>[] } {
  const events = new Events();
  const output = new RecordedLines();
  const end = new JobEnd(events, { untilEmpty: true });
  for (let id = 1; id <= refused; id++) {
    const common = {
      type: "settle_rejected",
      kind: "dead_letter",
      id,
      attempt: 5,
      failure: undefined,
    } as const;
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

Deno.test("JobEnd fails if the processor fails for one document after the other, and tells why it does", () => {
  const events = new Events();
  const output = new RecordedLines();
  const end = new JobEnd(events, { untilEmpty: true });
  const opened = {
    type: "breaker_opened",
    retryInMs: 5,
    openForMs: 5,
    isAgain: true,
    isLasting: true,
  } as const;
  events.emit({ ...opened, error: new Error("connection refused") });
  end.drained(PROCESSOR_FAILS);
  end.tell(new Logger({ format: "json", level: "INFO", output }), {});
  const { error, level, message } = JSON.parse(output.lines[0]!);
  assertEquals([end.isFailure, level, error], [true, "ERROR", "connection refused"]);
  assertEquals(
    message,
    "Gave up before nothing was left: the processor fails for one document after the other",
  );
});

/** How a run ended in which these documents were refused and settled, in this order. */
function endAfter(
  story: ["refused" | "settled", id: unknown][],
): [isFailure: boolean, documents: unknown, example: unknown] {
  const events = new Events();
  const output = new RecordedLines();
  const end = new JobEnd(events, { untilEmpty: true });
  for (const [what, id] of story) {
    events.emit(
      what === "settled" ? { type: "settled_at_last", id } : {
        type: "settle_rejected",
        kind: "release",
        id,
        attempt: 1,
        error: new Error("no"),
        next: "nothing",
      },
    );
  }
  end.drained(NOTHING_LEFT);
  end.tell(new Logger({ format: "json", level: "INFO", output }), {});
  const { documents, example } = JSON.parse(output.lines[0]!);
  return [end.isFailure, documents, example];
}

Deno.test("JobEnd counts a document once whose outcome is refused twice", () => {
  assertEquals(endAfter([["refused", 1], ["refused", 2], ["refused", 1]]), [true, 2, "1"]);
});

Deno.test("JobEnd forgives a document that is settled after all", () => {
  assertEquals(endAfter([["refused", 1], ["refused", 2], ["settled", 1]]), [true, 1, "2"]);
  assertEquals(endAfter([["refused", 1], ["settled", 1]]), [false, undefined, undefined]);
  assertEquals(endAfter([["refused", 1], ["settled", 1], ["refused", 1]]), [true, 1, "1"]);
});

Deno.test("JobEnd still fails when it cannot remember each document whose outcome is refused", () => {
  const many = Array.from({ length: 10_003 }, (_, id) => id);
  const story = many.map((id) => ["refused", id] as ["refused", number]);
  assertEquals(endAfter(story), [true, 10_003, "0"]);
  const settled = many.map((id) => ["settled", id] as ["settled", number]);
  assertEquals(endAfter([...story, ...settled]), [true, 3, "10002"]);
});
