import { assert, assertEquals, assertMatch } from "@std/assert";
import type { AgentEvent } from "../../../../agent/events.ts";
import { EventLog, type Line, linesOf } from "../../../support/event_log.ts";
import { safe } from "../../../support/safe_text.ts";

const MINUTE_MS = 60_000;
const DRAINED = { type: "drain_finished", elapsedMs: 1, finished: 0, released: 0, abandoned: 0 } as const;

const retried = (id: unknown, error = "it broke"): AgentEvent => ({
  type: "retried",
  id,
  attempt: 1,
  error: safe(error),
  delayMs: 5,
});
const deadLettered = (id: unknown, error = "it broke"): AgentEvent => ({
  type: "dead_lettered",
  id,
  attempt: 5,
  error: safe(error),
});
const claimFailed = (message: string, isLasting = false): AgentEvent => ({
  type: "claim_failed",
  error: new Error(message),
  retryInMs: 5,
  isLasting,
});
const CLAIMED: AgentEvent = { type: "claimed", documents: 0, takeovers: 0, conflicts: 0, elapsedMs: 1 };
const processed = (documents: number): AgentEvent => ({ type: "processed", documents });

function many(count: number, event: (id: number) => AgentEvent): AgentEvent[] {
  return Array.from({ length: count }, (_, id) => event(id));
}

const short = (
  { level, message, id, documents, times }: Line,
) => [level, message, id ?? null, documents ?? times];

Deno.test("logEvents() writes the first five documents that fail alike in full, and the others of the minute in one line", async () => {
  const log = new EventLog("INFO");
  log.emit(...many(30_000, (id) => retried(id, `order ${id} has no price`)));
  assertEquals(log.lines.map(({ id, attempt, error, delayMs }) => [id, attempt, error, delayMs]), [
    ["<0>", 1, "order 0 has no price", 5],
    ["<1>", 1, "order 1 has no price", 5],
    ["<2>", 1, "order 2 has no price", 5],
    ["<3>", 1, "order 3 has no price", 5],
    ["<4>", 1, "order 4 has no price", 5],
  ]);
  await log.clock.advance(MINUTE_MS);
  const [sum, ...more] = log.lines.slice(5);
  assertEquals(more, []);
  const { time: _, first, last, ...fields } = sum!;
  assertEquals(fields, {
    level: "WARNING",
    message: "Processing failed and will be retried (more like it)",
    id: "<29999>",
    attempt: 1,
    error: "order 29999 has no price",
    delayMs: 5,
    documents: 29_995,
  });
  for (const time of [first, last]) assertMatch(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert(String(first) <= String(last));
});

Deno.test("logEvents() writes one line a minute while many go on to fail alike, and lines in full again after a quiet minute", async () => {
  const log = new EventLog("INFO");
  for (let minute = 0; minute < 3; minute++) {
    log.emit(...many(1000, (id) => deadLettered(id)));
    await log.clock.advance(MINUTE_MS);
  }
  const more = "Document is a dead letter (more like it)";
  assertEquals(log.lines.slice(5).map(short), [
    ["ERROR", more, "<999>", 995],
    ["ERROR", more, "<999>", 1000],
    ["ERROR", more, "<999>", 1000],
  ]);
  await log.clock.advance(MINUTE_MS);
  log.emit(deadLettered("late"));
  assertEquals(log.lines.slice(8).map(short), [["ERROR", "Document is a dead letter", "<late>", undefined]]);
  await log.clock.advance(2 * MINUTE_MS);
  assertEquals([log.lines.length, log.clock.pending], [9, 0]);
});

Deno.test("logEvents() writes each of the few failures of a document at once, minute for minute", async () => {
  const log = new EventLog("INFO");
  for (let attempt = 0; attempt < 20; attempt++) {
    log.emit(retried("slow"));
    assertEquals(log.lines.length, attempt + 1);
    await log.clock.advance(MINUTE_MS / 4);
  }
  assertEquals(log.lines.filter(({ id }) => id === "<slow>").length, 20);
});

Deno.test("logEvents() writes a new error at once while thousands of another kind come", async () => {
  const log = new EventLog("INFO");
  for (let minute = 0; minute < 2; minute++) {
    log.emit(...many(5000, (id) => retried(id, `timeout after ${id} ms`)));
    await log.clock.advance(MINUTE_MS);
  }
  const before = log.lines.length;
  log.emit(...many(100, (id) => retried(id, "timeout after 3 ms")), retried("new", "no such customer"));
  assertEquals(log.lines.slice(before).map(({ id, error }) => [id, error]), [["<new>", "no such customer"]]);
});

Deno.test("logEvents() counts errors of more than twenty kinds together", async () => {
  const log = new EventLog("INFO");
  const word = (id: number) =>
    String.fromCharCode(97 + id % 26) + String.fromCharCode(97 + Math.floor(id / 26) % 26);
  for (let minute = 0; minute < 3; minute++) {
    const before = log.lines.length;
    log.emit(...many(26 * 26 * 10, (id) => retried(id, `no such ${word(id)}`)));
    await log.clock.advance(MINUTE_MS);
    const sums = log.lines.slice(before).filter(({ message }) => / \(more/.test(message));
    assertEquals(sums.length, 21, `in minute ${minute}`);
    const lines = log.lines.slice(before).length - sums.length;
    assertEquals(sums.reduce((sum, { documents }) => sum + Number(documents), lines), 26 * 26 * 10);
    const rest = sums.filter(({ message }) => message.endsWith("(more, with other errors)"));
    assertEquals(rest.length, 1);
  }
});

Deno.test("logEvents() writes every single line at DEBUG", () => {
  const lines = linesOf(...many(1000, (id) => deadLettered(id)), DRAINED);
  assertEquals(
    lines.filter(({ message }) => message === "Document is a dead letter").map((
      { id, level },
    ) => [id, level]),
    many(1000, (id) => deadLettered(id)).map((_, id) => [`<${id}>`, id < 5 ? "ERROR" : "DEBUG"]),
  );
});

Deno.test("logEvents() counts the documents of a minute that cannot be claimed", async () => {
  const log = new EventLog("ERROR");
  log.emit(
    ...many(500, (id) => ({ type: "claim_refused", id, error: new Error("Document failed validation") })),
  );
  await log.clock.advance(MINUTE_MS);
  assertEquals(log.lines.map(({ id, documents }) => [id, documents]), [
    ...many(5, retried).map((_, id) => [`<${id}>`, undefined]),
    ["<499>", 495],
  ]);
  assertEquals(new Set(log.lines.map(({ error }) => error)), new Set(["Document failed validation"]));
});

for (
  const end of [DRAINED, { type: "force_started", reason: "SIGTERM", inFlight: 0 }] satisfies AgentEvent[]
) {
  Deno.test(`logEvents() writes what it has gathered before the line of ${end.type}`, () => {
    const log = new EventLog("INFO");
    log.emit(...many(9, (id) => retried(id)), ...many(8, (id) => deadLettered(id)), end);
    const sums = log.lines.slice(10).map(({ documents }) => documents);
    assertEquals(sums, [4, 3, undefined]);
    assertEquals(log.clock.pending, 0);
  });
}

Deno.test("logEvents() adds up the documents of events about several", () => {
  const lost = (documents: number): AgentEvent => ({
    type: "lease_lost",
    documents,
    ids: Array.from({ length: documents }, (_, id) => id),
    during: "ack",
  });
  const log = new EventLog("INFO");
  log.emit(...[1, 2, 3, 4, 5, 6, 7].map(lost), DRAINED);
  assertEquals(log.lines.slice(5, 6).map(({ documents, during, ids }) => [documents, during, ids]), [
    [13, "ack", ["<0>", "<1>", "<2>", "<3>", "<4>", "<5>", "<6>"]],
  ]);
});

Deno.test("logEvents() writes the sum of what was processed every 5 s, and nothing if it is zero", async () => {
  const log = new EventLog("INFO");
  log.emit(processed(2), processed(3));
  await log.clock.advance(4999);
  assertEquals(log.lines, []);
  await log.clock.advance(1);
  log.emit(processed(4));
  await log.clock.advance(20_000);
  assertEquals(log.lines.map(short), [
    ["INFO", "Processed documents", null, 5],
    ["INFO", "Processed documents", null, 4],
  ]);
  assertEquals(log.clock.pending, 0);
});

Deno.test("logEvents() writes the beginning of a failure that goes on, then once a minute how often it came", async () => {
  const log = new EventLog("INFO");
  for (let seconds = 0; seconds < 180; seconds += 10) {
    log.emit(claimFailed(`no answer on port ${seconds}`));
    await log.clock.advance(10_000);
  }
  assertEquals(log.lines.map(short), [
    ["WARNING", "Cannot claim documents", null, undefined],
    ["WARNING", "Cannot claim documents (more like it)", null, 5],
    ["WARNING", "Cannot claim documents (more like it)", null, 6],
    ["WARNING", "Cannot claim documents (more like it)", null, 6],
  ]);
  assertEquals(log.lines.at(-1)!.error, "no answer on port 170");
});

Deno.test("logEvents() writes a failure that repeats itself once, and again after a success or when it changes", () => {
  const lines = linesOf(
    ...["a", "a", "a", "b"].map((message) => claimFailed(message)),
    CLAIMED,
    claimFailed("b"),
    claimFailed("b", true),
  );
  assertEquals(lines.map(({ level, error }) => [level, error]), [
    ["WARNING", "a"],
    ["DEBUG", "a"],
    ["DEBUG", "a"],
    ["WARNING", "b"],
    // That it is over: two more failed as "a" did.
    ["WARNING", "a"],
    ["WARNING", "b"],
    ["ERROR", "b"],
  ]);
  assertEquals(lines[4]!.times, 2);
});

Deno.test("logEvents() writes what is gathered of a failure as soon as it is over, not a minute later", async () => {
  const log = new EventLog("INFO");
  log.emit(...many(7, () => claimFailed("wrong password")), CLAIMED);
  assertEquals(log.lines.map(short), [
    ["WARNING", "Cannot claim documents", null, undefined],
    ["WARNING", "Cannot claim documents (more like it)", null, 6],
  ]);
  await log.clock.advance(2 * MINUTE_MS);
  assertEquals(log.lines.length, 2);
});

Deno.test("logEvents() writes few lines about a failure that comes and goes all the time", async () => {
  const log = new EventLog("INFO");
  const minutes = 4;
  for (let seconds = 0; seconds < 60 * minutes; seconds++) {
    const isReachable = seconds % 2 === 1;
    log.emit({ type: "reachable_changed", isReachable }, isReachable ? CLAIMED : claimFailed("no answer"));
    await log.clock.advance(1000);
  }
  const perMinute = 3;
  assert(log.lines.length <= 5 + 5 + 2 + perMinute * minutes, `${log.lines.length}`);
  const failures = log.lines.filter(({ message }) => message.startsWith("Cannot claim"));
  assertEquals(failures.map(short), [
    ["WARNING", "Cannot claim documents", null, undefined],
    ["WARNING", "Cannot claim documents", null, undefined],
    ["WARNING", "Cannot claim documents (more like it)", null, 28],
    ["WARNING", "Cannot claim documents (more like it)", null, 30],
    ["WARNING", "Cannot claim documents (more like it)", null, 30],
    ["WARNING", "Cannot claim documents (more like it)", null, 30],
  ]);
});

Deno.test("logEvents() keeps the failures of different writes apart", () => {
  const failed = (kind: "ack" | "nack"): AgentEvent => ({
    type: "settle_failed",
    kind,
    documents: 1,
    error: new Error("it broke"),
    retryInMs: 5,
  });
  const lines = linesOf(
    failed("ack"),
    failed("nack"),
    failed("ack"),
    processed(1),
    failed("nack"),
    failed("ack"),
  );
  const levels = lines.filter(({ message }) => message.startsWith("Cannot write")).map(({ level }) => level);
  assertEquals(levels, ["WARNING", "WARNING", "DEBUG", "WARNING", "DEBUG", "WARNING"]);
});

Deno.test("logEvents() names each document whose release is refused, in one line for a reason, at the end of a drain at the latest", () => {
  const refused = (id: unknown, error: string): AgentEvent => ({
    type: "settle_rejected",
    kind: "release",
    id,
    attempt: 1,
    error: new Error(error),
    next: "nothing",
  });
  const ids = Array.from({ length: 120 }, (_, id) => id);
  const lines = linesOf(
    ...ids.map((id) => refused(id, `document ${id} does not pass`)),
    refused("x", "duplicate key"),
    { ...DRAINED, abandoned: 121 },
  ).filter(({ message }) => /refuses to set documents back/.test(message));
  assertEquals(lines.map(({ level, documents, error }) => [level, documents, error]), [
    ["ERROR", 100, "document 99 does not pass"],
    ["ERROR", 20, "document 119 does not pass"],
    ["ERROR", 1, "duplicate key"],
  ]);
  assertEquals(lines.flatMap(({ ids }) => ids), [...ids.map((id) => `<${id}>`), "<x>"]);
});
