import { assert, assertEquals, assertMatch } from "@std/assert";
import type { AgentEvent } from "../../../../agent/events.ts";
import { EventLog, type Line, linesOf } from "../../../support/event_log.ts";
import { safe } from "../../../support/safe_text.ts";

const error = new Error("it broke");
const CASES: [AgentEvent, level: string, says: RegExp][] = [
  [{ type: "state_changed", from: "starting", to: "running" }, "INFO", /Agent is running/],
  [{ type: "pause_changed", state: "paused", source: "file" }, "INFO", /^Paused: claiming nothing/],
  [{ type: "pause_changed", state: "running", source: "signal" }, "INFO", /^Resumed$/],
  [{ type: "claim_failed", error, retryInMs: 5 }, "WARNING", /Cannot claim/],
  [{ type: "claim_failed", error, retryInMs: 5, isLasting: true }, "ERROR", /Cannot claim/],
  [{ type: "claims_held_up", reason: error }, "INFO", /wait until another one of the same key is settled/],
  [
    { type: "left_alone", groups: [{ documents: 2, isMore: false, example: 7, reason: "x" }] },
    "WARNING",
    /cannot be claimed/,
  ],
  [{ type: "reachable_changed", isReachable: true }, "INFO", /in reach/],
  [{ type: "reachable_changed", isReachable: false }, "WARNING", /out of reach/],
  [{ type: "released", documents: 2, aborted: 0 }, "INFO", /Released documents that had not started/],
  [{ type: "released", documents: 2, aborted: 2 }, "WARNING", /Released documents whose handler was aborted/],
  [
    { type: "released", documents: 2, aborted: 0, hadNoRoom: 2 },
    "WARNING",
    /results found no room in memory/,
  ],
  [
    { type: "released", documents: 2, aborted: 0, inDoubt: 2 },
    "WARNING",
    /Released documents that MongoDB does not let be marked processed/,
  ],
  [{ type: "retried", id: 7, attempt: 1, error: safe("x"), delayMs: 5 }, "WARNING", /will be retried/],
  [{ type: "dead_lettered", id: 7, attempt: 5, error: safe("x") }, "ERROR", /dead letter/],
  [{ type: "handler_failed", id: 7, attempt: 1, error }, "DEBUG", /The processor failed/],
  [{ type: "lease_lost", documents: 1, ids: [7], during: "renew" }, "WARNING", /Lost the lease/],
  [{ type: "unconfirmed", documents: 1, ids: [7], during: "ack" }, "WARNING", /Cannot confirm/],
  [{ type: "retried_among", documents: 1, ids: [7] }, "WARNING", /will be retried; others have changed/],
  [{ type: "settle_failed", kind: "ack", documents: 1, error, retryInMs: 5 }, "WARNING", /trying again/],
  [
    { type: "settle_rejected", kind: "ack", id: 7, attempt: 1, error, next: "nack" },
    "ERROR",
    /refuses the outcome \(ack\)/,
  ],
  [{ type: "renew_failed", documents: 1, error }, "WARNING", /Cannot renew/],
  [{ type: "handler_timed_out", id: 7, attempt: 1, timeoutMs: 5 }, "WARNING", /longer than PROCESS_TIMEOUT/],
  [{ type: "handler_returned_late", id: 7, attempt: 1, elapsedMs: 5.4 }, "WARNING", /its result is not used/],
  [{ type: "unhandled_error", error }, "ERROR", /module or of the agent, belongs to no document/],
  [{ type: "unhandled_error", error, isPromise: true }, "ERROR", /promise that was not awaited has failed/],
  [{ type: "result_ignored", id: 7, fields: ["total"] }, "WARNING", /is ignored: fields are written with/],
  [{ type: "drain_started", reason: "SIGTERM", inFlight: 3 }, "INFO", /Draining/],
  [{ type: "force_started", reason: "again", inFlight: 3 }, "WARNING", /Forced to stop/],
  [{ type: "drain_finished", elapsedMs: 1, finished: 1, released: 2, abandoned: 0 }, "INFO", /Drained/],
  [{ type: "drain_finished", elapsedMs: 1, finished: 1, released: 2, abandoned: 1 }, "WARNING", /Drained/],
];
for (const [event, level, says] of CASES) {
  Deno.test(`logEvents() writes ${event.type} at ${level}: ${says.source}`, () => {
    const [line, ...more] = linesOf(event);
    assertEquals(more, []);
    assertEquals(line?.level, level);
    assertMatch(line!.message, says);
    if ("error" in event) assert(["it broke", "x"].includes(line!.error as string));
    if ("id" in event) assertEquals(line!.id, "<7>");
    if ("attempt" in event) assertEquals(line!.attempt, event.attempt);
    if ("ids" in event) assertEquals(line!.ids, ["<7>"]);
  });
}

Deno.test("logEvents() writes one line about a pause, which names its source", () => {
  const lines = linesOf(
    { type: "pause_changed", state: "paused", source: "file" },
    { type: "state_changed", from: "running", to: "paused" },
  );
  assertEquals(lines.map(({ message, source }) => [message, source]), [
    ["Paused: claiming nothing until resumed", "file"],
  ]);
});

Deno.test("logEvents() reports an ignored result once per process", () => {
  const ignored = (id: number): AgentEvent => ({ type: "result_ignored", id, fields: ["total", "tax"] });
  const lines = linesOf(ignored(7), ignored(8));
  assertEquals(lines.map(({ id, fields }) => [id, fields]), [["<7>", "total, tax"]]);
});

Deno.test("logEvents() names the place of a stray error in the processor, if that is known", () => {
  const [known, unknown] = linesOf(
    { type: "unhandled_error", error, isPromise: true, at: "/app/processor.js:3" },
    { type: "unhandled_error", error, isPromise: true, at: undefined },
  );
  assertEquals(known!.at, "/app/processor.js:3");
  assertEquals("at" in unknown!, false);
});

Deno.test("logEvents() reports left-alone documents each time their number changes, and held-up ones once", () => {
  const left = (documents: number, isMore = false): AgentEvent => ({
    type: "left_alone",
    groups: documents === 0 ? [] : [{ documents, isMore, example: 7, reason: "no date" }],
  });
  const heldUp: AgentEvent = { type: "claims_held_up", reason: error };
  const lines = linesOf(left(2), left(2), heldUp, left(3), heldUp, left(0), left(3), left(1000, true));
  assertEquals(
    lines.map(({ level, documents }) => [level, documents]),
    [["WARNING", 2], ["INFO", undefined], ["WARNING", 3], ["DEBUG", undefined], ["WARNING", 3], [
      "WARNING",
      "1000 or more",
    ]],
  );
  assertEquals([lines[0]!.example, lines[0]!.reason], ["<7>", "no date"]);
});

Deno.test("logEvents() counts released documents that had not started apart from those whose handler was aborted", () => {
  const lines = linesOf({ type: "released", documents: 5, aborted: 2 });
  assertEquals(lines.map(({ level, documents }) => [level, documents]), [["INFO", 3], ["WARNING", 2]]);
});

const claimed = (documents: number, takeovers = 0): AgentEvent => ({
  type: "claimed",
  documents,
  takeovers,
  conflicts: 0,
  elapsedMs: 1.6,
});

Deno.test("logEvents() keeps quiet about claims that bring nothing and about progress", () => {
  assertEquals(linesOf(claimed(0), { type: "progress", stage: "idle", deadlineMs: 1 }), []);
});

const drained = { type: "drain_finished", elapsedMs: 1, finished: 0, released: 0, abandoned: 0 } as const;
const processed = (documents: number) => ({ type: "processed", documents } as const);
const sums = (lines: Line[]) =>
  lines.filter(({ message }) => message === "Processed documents").map((
    { level, documents },
  ) => [level, documents]);

Deno.test("logEvents() writes each ack at DEBUG, and the sum of them at INFO before the end", () => {
  const lines = linesOf(processed(2), processed(3), drained, drained);
  const acks = lines.filter(({ message }) => message === "Wrote acks");
  assertEquals(acks.map(({ level, documents }) => [level, documents]), [["DEBUG", 2], ["DEBUG", 3]]);
  assertEquals(sums(lines), [["INFO", 5]]);
  assertMatch(lines.at(-1)!.message, /^Drained/);
});

Deno.test("logEvents() writes claims at DEBUG, and of takeovers one line at INFO for many", () => {
  const drained = { type: "drain_finished", elapsedMs: 1, finished: 1, released: 2, abandoned: 0 } as const;
  const lines = linesOf(claimed(3, 2), claimed(1, 1), drained);
  assertEquals(lines.slice(0, -1).map(({ level, documents }) => [level, documents]), [
    ["DEBUG", 3],
    ["DEBUG", 1],
    ["INFO", 3],
  ]);
});

Deno.test("logEvents() names at most ten ids", () => {
  const ids = Array.from({ length: 1000 }, (_, id) => id);
  const [line] = linesOf({ type: "lease_lost", documents: 1000, ids, during: "renew" });
  assertEquals((line!.ids as string[]).length, 10);
  assertEquals(line!.documents, 1000);
});

Deno.test("logEvents() says at DEBUG, and at no other level, where a handler's error was made", () => {
  for (const level of ["DEBUG", "INFO"] as const) {
    const log = new EventLog(level);
    log.emit(
      { type: "handler_failed", id: 7, attempt: 1, error },
      { type: "retried", id: 7, attempt: 1, error: safe("it broke"), delayMs: 5 },
    );
    const stacks = log.lines.map(({ stack }) => stack);
    assertEquals(
      stacks.map((stack) => typeof stack),
      level === "DEBUG" ? ["string", "undefined"] : ["undefined"],
    );
  }
});

Deno.test("logEvents() names documents as candidates if it is not known which of them are meant", () => {
  const lines = linesOf(
    { type: "lease_lost", documents: 1, ids: [1, 2], during: "nack" },
    { type: "unconfirmed", documents: 2, ids: [1, 2], during: "ack" },
    { type: "retried_among", documents: 1, ids: [1, 2] },
  );
  assertEquals(lines.map(({ documents, ids, among }) => [documents, ids, among]), [
    [1, undefined, ["<1>", "<2>"]],
    [2, ["<1>", "<2>"], undefined],
    [1, undefined, ["<1>", "<2>"]],
  ]);
});
