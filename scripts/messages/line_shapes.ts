/**
 * The lines that events write, with their fields: each example is logged as the agent logs it, so that the table of
 * docs/operations.md says what the sources do.
 *
 * @module
 */

import { type AgentEvent, type EventOf, Events } from "../../agent/events.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import { GroupedLog } from "../../agent/telemetry/grouped_log.ts";
import { logEvents } from "../../agent/telemetry/log_events.ts";
import { Logger } from "../../agent/telemetry/logger.ts";
import { secrets } from "../../agent/text/redact.ts";
import { table } from "../markdown_table.ts";

/** An event as it may come, and when its line is written. */
type Example<Type extends AgentEvent["type"]> = readonly [event: EventOf<Type>, when: string];

const [id, attempt, documents, ids] = [1, 1, 1, [1]];
const error = new Error("it broke");
const text = secrets.text("it broke");
const reason = "SIGTERM";

/** Every kind of event that has lines of its own; a new kind without an example is a type error. */
const EXAMPLES: { readonly [Type in AgentEvent["type"]]: readonly Example<Type>[] } = {
  state_changed: [[{ type: "state_changed", from: "starting", to: "running" }, "it begins, drains or stops"]],
  pause_changed: [
    [{ type: "pause_changed", state: "paused", source: "file" }, "you paused it"],
    [{ type: "pause_changed", state: "running", source: "file" }, "you resumed it"],
  ],
  reachable_changed: [
    [{ type: "reachable_changed", isReachable: true }, "a server that accepts writes is found"],
    [{ type: "reachable_changed", isReachable: false, error }, "there is none any more"],
  ],
  breaker_opened: [
    [
      { type: "breaker_opened", error, retryInMs: 5, openForMs: 0, isAgain: false, isLasting: false },
      "`BREAKER_THRESHOLD` documents in a row have failed, and three others",
    ],
    [
      { type: "breaker_opened", error, retryInMs: 5, openForMs: 5, isAgain: true, isLasting: false },
      "three more have failed after `BREAKER_COOLDOWN`",
    ],
  ],
  breaker_half_opened: [[{ type: "breaker_half_opened" }, "`BREAKER_COOLDOWN` is over"]],
  breaker_closed: [[{ type: "breaker_closed", openForMs: 5 }, "a document succeeds that was tried"]],
  server_known: [
    [
      { type: "server_known", server: { name: "x", lacks: [], instead: [] }, by: "question" },
      "the server was asked what it lacks",
    ],
    [
      { type: "server_known", server: { name: "x", lacks: ["x"], instead: ["x"] }, by: "question" },
      "the same, and it is old, or only compatible with MongoDB",
    ],
  ],
  claimed: [
    [{ type: "claimed", documents, takeovers: 0, conflicts: 0, elapsedMs: 1 }, "each claim"],
    [{ type: "claimed", documents: 0, takeovers: 1, conflicts: 0, elapsedMs: 1 }, "leases had expired"],
  ],
  claim_failed: [[{ type: "claim_failed", error, retryInMs: 500 }, "a claim fails, and is retried"]],
  claim_refused: [[{ type: "claim_refused", id, error }, "MongoDB refuses the claim of a document"]],
  claims_held_up: [[
    { type: "claims_held_up", reason: error },
    "a unique index makes documents wait for others",
  ]],
  left_alone: [[
    { type: "left_alone", groups: [{ documents, isMore: false, example: id, reason: error }] },
    "the number of documents that no claim takes has changed",
  ]],
  processed: [
    [{ type: "processed", documents }, "each write of acks"],
  ],
  handler_failed: [[{ type: "handler_failed", id, attempt, error }, "a handler throws"]],
  retried: [[{ type: "retried", id, attempt, error: text, delayMs: 5 }, "an attempt has failed"]],
  retried_among: [[
    { type: "retried_among", documents, ids },
    "the same, and it is not known which of the documents it is",
  ]],
  dead_lettered: [[{ type: "dead_lettered", id, attempt, error: text }, "a document has failed for good"]],
  snoozed: [[{ type: "snoozed", documents }, "processors have put documents off"]],
  released: [
    [{ type: "released", documents, aborted: 0 }, "a pause or a drain"],
    [{ type: "released", documents, aborted: 1 }, "it was forced to stop"],
    [{ type: "released", documents, aborted: 0, hadNoRoom: 1 }, "handlers return too much at once"],
    [{ type: "released", documents, aborted: 0, inDoubt: 1 }, "MongoDB refuses acks again and again"],
  ],
  lease_lost: [[
    { type: "lease_lost", documents, ids, during: "ack" },
    "another agent or program has changed documents",
  ]],
  canceled: [[
    { type: "canceled", documents, ids },
    "an operator has canceled documents that this agent held",
  ]],
  unconfirmed: [[
    { type: "unconfirmed", documents, ids, during: "ack" },
    "the answer to a write was lost, and the document is changed",
  ]],
  settle_failed: [[
    { type: "settle_failed", kind: "ack", documents, error, retryInMs: 50 },
    "an outcome cannot be written, and is kept",
  ]],
  settle_rejected: [
    [
      { type: "settle_rejected", kind: "ack", id, attempt, error, failure: text, next: "nack" },
      "MongoDB refuses an outcome",
    ],
    [
      { type: "settle_rejected", kind: "release", id, attempt, error, next: "nothing" },
      "MongoDB refuses a release",
    ],
  ],
  backlog_seen: [],
  registry_answers: [],
  settled_at_last: [],
  checkpoint_refused: [[{ type: "checkpoint_refused", id, attempt, error }, "MongoDB refuses a checkpoint"]],
  renew_failed: [[{ type: "renew_failed", documents, error }, "leases cannot be renewed, which is retried"]],
  runs_alone: [[{ type: "runs_alone", id, attempt }, "a suspect is about to run"]],
  handler_timed_out: [[
    { type: "handler_timed_out", id, attempt, timeoutMs: 60_000 },
    "`PROCESS_TIMEOUT` has passed",
  ]],
  handler_returned_late: [[
    { type: "handler_returned_late", id, attempt, elapsedMs: 61_000 },
    "a handler ends after its time",
  ]],
  result_ignored: [[
    { type: "result_ignored", id, fields: ["total"] },
    "the first result that has fields and no `set`",
  ]],
  unhandled_error: [
    [{ type: "unhandled_error", error, isPromise: true, at: "/app/a.js:1" }, "a promise fails unnoticed"],
    [{ type: "unhandled_error", error, at: "/app/a.js:1" }, "a timer or callback throws"],
  ],
  progress: [],
  drain_started: [[{ type: "drain_started", reason, inFlight: 1 }, "it was told to stop"]],
  force_started: [[{ type: "force_started", reason, inFlight: 1 }, "`SHUTDOWN_TIMEOUT`, or a second signal"]],
  drain_finished: [[
    { type: "drain_finished", elapsedMs: 1, finished: 1, released: 0, abandoned: 0 },
    "nothing is in flight any more",
  ]],
};

/** How often a line is written if its event comes a thousand times in a minute, by the number of lines. */
const OFTEN: Record<number, string> = {
  1: "once",
  2: "the first, then one a minute",
  6: "five, then one a minute",
  1000: "each",
};
/** The same for lines that only count. */
const SUMS: Record<string, string> = {
  "Processed documents": "one every 5 s",
  "Put documents off, as their processor asked": "one every 5 s",
  "Took over documents whose lease had expired": "one every 5 s",
};
const NAMING = "one for a hundred";

/** The table of lines: what is written about each event, when, and how often. */
export function lineShapes(): string {
  const rows = Object.values(EXAMPLES).flat().flatMap(([event, when]) => shapesOf(event, when));
  return table(["Level", "Message", "Fields", "When", "If it comes often"], rows);
}

function shapesOf(event: AgentEvent, when: string): string[][] {
  const lines = linesOf([event]);
  const many = linesOf(Array.from({ length: 1000 }, () => event)).filter(({ level }) => level !== "DEBUG");
  return lines.map(({ level, message, fields }) => {
    const count = many.filter((line) => line.message.startsWith(message)).length;
    const often = SUMS[message] ?? (level === "DEBUG" ? "each" : OFTEN[count] ?? NAMING);
    return [level, `\`${message}\``, fields.map((field) => `\`${field}\``).join(", "), when, often];
  });
}

interface Shape {
  level: string;
  message: string;
  fields: string[];
}

function linesOf(happened: readonly AgentEvent[]): Shape[] {
  const lines: string[] = [];
  const output = { add: (line: string) => lines.push(line), lose() {} };
  const log = new Logger({ level: "DEBUG", format: "json", output });
  const grouped = new GroupedLog(log, STILL);
  const events = new Events();
  logEvents(events, { log, grouped, formatId: String });
  for (const event of happened) events.emit(event);
  grouped.flush();
  return lines.map((line) => {
    const { time: _, level, message, ...fields } = JSON.parse(line);
    return { level, message, fields: Object.keys(fields) };
  });
}

/** All events of an example come at once. */
const STILL: Clock = { monotonicMs: () => 0, after: () => () => {} };
