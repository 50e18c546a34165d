import { assertEquals } from "@std/assert";
import { Counters } from "../../../health/counters.ts";
import type { Status } from "../../../health/status.ts";
import { headline } from "../../../health/status_headline.ts";

const NOW = new Date("2026-03-02T14:08:01Z");
const ago = (seconds: number) => new Date(NOW.getTime() - 1000 * seconds).toISOString();
const minute = (counts: Partial<Status["last_minute"]> = {}) => ({
  ...{ seconds: 60, processed: 0, retried: 0, dead_lettered: 0, snoozed: 0 },
  ...counts,
});

/** An agent that has been idle for three minutes. */
const IDLE: Status = {
  pid: 7,
  answers: 0,
  name: "pod-1",
  version: "1.2.3",
  state: "running",
  state_since: ago(7200),
  nothing_to_claim_since: ago(180),
  control: { state: "running", source: "start", since: ago(7200) },
  ready: true,
  connected: true,
  loop: { stage: "idle", stuck: false, since: ago(1) },
  held: { documents: 0, running: 0 },
  counters: new Counters().values,
  last_minute: minute(),
  started_at: ago(7200),
  updated_at: ago(12),
  heartbeat_ms: 5000,
};
const paused = (source: string) => ({ state: "paused", source, since: ago(7501) }) as const;
const held = (documents: number) => ({ documents, running: 0 });

const limit = { limit: "50/s", here_per_s: 50, holds_back: true, next_in_s: 1 };

const CASES: [string, Partial<Status>, string][] = [
  ["an idle agent", {}, "idle: nothing to claim since 14:05:01 UTC, 3 min ago"],
  [
    "one whose first claim is under way",
    { nothing_to_claim_since: undefined!, loop: { stage: "claiming", stuck: false, since: ago(1) } },
    "claiming for the first time since 14:08:00 UTC, 1 s ago",
  ],
  [
    "one whose first claim takes long",
    { nothing_to_claim_since: undefined!, loop: { stage: "claiming", stuck: false, since: ago(31) } },
    "claiming for the first time since 14:07:30 UTC, 31 s ago: without its index it reads the whole collection, see " +
    "pulling-agent doctor",
  ],
  [
    "one that moves",
    { held: held(96), last_minute: minute({ processed: 24_720 }) },
    "running and moving: 412 documents a second, 96 in flight",
  ],
  [
    "one that moves as fast as its limit lets it",
    { held: held(31), last_minute: minute({ processed: 3000 }), rate_limit: limit },
    "running and moving: 50 documents a second, 31 in flight, held to RATE_LIMIT (50/s)",
  ],
  [
    "one with a limit that holds nothing back",
    { rate_limit: { ...limit, holds_back: false } },
    "idle: nothing to claim since 14:05:01 UTC, 3 min ago",
  ],
  [
    "one with a limit of few documents an hour",
    { rate_limit: { ...limit, limit: "3/h", next_in_s: 720 }, nothing_to_claim_since: undefined! },
    "running: RATE_LIMIT (3/h) lets the next document start in 12 min",
  ],
  [
    "one that has no share of the fleet's limit",
    { rate_limit: { ...limit, here_per_s: 0 } },
    "running: waiting for its share of RATE_LIMIT (50/s)",
  ],
  [
    "one that moves slowly",
    { held: held(1), last_minute: minute({ processed: 3 }) },
    "running and moving: 3 documents a minute, 1 in flight",
  ],
  [
    "one that has just started",
    { held: held(8), last_minute: minute({ seconds: 2, processed: 1 }) },
    "running and moving: 30 documents a minute, 8 in flight",
  ],
  [
    "one of which some fail",
    { held: held(8), last_minute: minute({ processed: 90, retried: 7, dead_lettered: 3 }) },
    "running and moving: 1.7 documents a second (10 % failed), 8 in flight",
  ],
  [
    "one between two batches",
    { nothing_to_claim_since: ago(1), last_minute: minute({ processed: 600 }) },
    "running and moving: 10 documents a second, none in flight",
  ],
  [
    "one that has become idle",
    { nothing_to_claim_since: ago(30), last_minute: minute({ processed: 600 }) },
    "idle: nothing to claim since 14:07:31 UTC, 30 s ago",
  ],
  [
    "one that leaves documents alone",
    { left_alone: { documents: 1200, example: "17", reason: "visible_at is no date" as never } },
    "idle: nothing to claim since 14:05:01 UTC, 3 min ago; 1,200 documents wait and cannot be claimed, as 17: " +
    "visible_at is no date",
  ],
  [
    "one that leaves nothing alone any more",
    { left_alone: { documents: 0, example: "17", reason: "" as never } },
    "idle: nothing to claim since 14:05:01 UTC, 3 min ago",
  ],
  [
    "one whose handlers take long",
    { held: held(8), last_outcome_at: ago(600) },
    "running: 8 in flight, none has ended since 13:58:01 UTC, 10 min ago",
  ],
  ["one whose first handlers take long", { held: held(8) }, "running: 8 in flight, none has ended yet"],
  [
    "one whose processor is down",
    {
      trouble: {
        what: "processor_fails",
        since: ago(120),
        message: "connection refused" as never,
        next_at: ago(-40),
      },
    },
    "not ready: the processor has failed for one document after the other for 2 min, and the next one is tried in 40 s: " +
    "connection refused",
  ],
  [
    "one that tries whether its processor is back",
    { trouble: { what: "processor_fails", since: ago(120) }, held: held(1) },
    "not ready: the processor has failed for one document after the other for 2 min, and one is tried after the other, " +
    "1 in flight",
  ],
  [
    "one paused by its file",
    { state: "paused", control: paused("file") },
    "paused by the control file since 12:03:00 UTC, 2 h 5 min ago",
  ],
  [
    "one that its file had paused before it started",
    { state: "paused", control: { ...paused("file"), since: ago(3) }, started_at: ago(4) },
    "paused by the control file since the agent started, 14:07:58 UTC, 3 s ago",
  ],
  [
    "one paused by a signal that still works",
    { state: "paused", control: paused("signal"), held: held(3) },
    "paused by a signal since 12:03:00 UTC, 2 h 5 min ago, 3 in flight",
  ],
  [
    "one paused without MongoDB",
    { state: "paused", control: paused("file"), trouble: { what: "unreachable", since: ago(240) } },
    "paused by the control file since 12:03:00 UTC, 2 h 5 min ago; MongoDB has been out of reach for 4 min",
  ],
  [
    "one without MongoDB",
    { trouble: { what: "unreachable", since: ago(240), message: "no answer" as never } },
    "not ready: MongoDB has been out of reach for 4 min: no answer",
  ],
  [
    "one that has not found MongoDB yet",
    { trouble: { what: "not_reached", since: ago(2) } },
    "not ready: MongoDB has not been reached for 2 s, since the start",
  ],
  [
    "one without its collection",
    { trouble: { what: "no_collection", since: ago(5) } },
    "not ready: the collection has not been found for 5 s",
  ],
  [
    "one whose claims fail",
    { trouble: { what: "claims_fail", since: ago(5) }, held: held(2) },
    "not ready: claims have failed for 5 s, 2 in flight",
  ],
  [
    "one whose outcomes fail",
    { trouble: { what: "outcomes_fail", since: ago(90) } },
    "not ready: MongoDB has not taken outcomes for 1 min 30 s",
  ],
  [
    "one that drains",
    { state: "draining", state_since: ago(4), drain_reason: "SIGTERM", held: held(5) },
    "draining since 14:07:57 UTC, 4 s ago (SIGTERM), 5 in flight",
  ],
  [
    "one that is stuck",
    { loop: { stage: "claiming", stuck: true, since: ago(120) } },
    'stuck: the poll loop has not moved on from "claiming" since 14:06:01 UTC, 2 min ago: a liveness probe restarts it',
  ],
  ["one that starts", { state: "starting", state_since: ago(2) }, "starting since 14:07:59 UTC, 2 s ago"],
];
for (const [name, part, line] of CASES) {
  Deno.test(`status says first what ${name} does`, () => {
    assertEquals(headline({ ...IDLE, ...part }, { now: NOW, isResponding: true }), line);
  });
}

Deno.test("status says first that an agent does not respond, and what it did before", () => {
  assertEquals(
    headline(IDLE, { now: NOW, isResponding: false }),
    "not responding since 14:07:49 UTC, 12 s ago; before that idle: nothing to claim since 14:05:01 UTC, 3 min ago",
  );
});

Deno.test("status of an agent of an earlier version says what it knows", () => {
  const { last_minute: _, nothing_to_claim_since: __, ...old } = IDLE;
  assertEquals(headline(old, { now: NOW, isResponding: true }), "running");
  const { state_since: ___, ...older } = { ...old, state: "draining" as const };
  assertEquals(headline(older, { now: NOW, isResponding: true }), "draining since an unknown time");
});
