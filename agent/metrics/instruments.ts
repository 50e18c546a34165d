import type { OperationKind, RunResult } from "../details.ts";
import { MAX_COUNTED } from "../events.ts";
import type { Instrument } from "./instrument.ts";

const UP_TO = `counted up to ${MAX_COUNTED.toLocaleString("en")}`;
const OF_SOURCE = { database: { fact: "database" }, collection: { fact: "collection" } } as const;
const SHARED = "All agents of a collection report the same number: take the max, not the sum.";

/** Kinds of operations that are sent to MongoDB. */
const OPERATIONS = [
  "find",
  "aggregate",
  "write",
  "commit",
  "other",
] as const satisfies readonly OperationKind[];
/** How the run of a handler can end. */
const RUN_RESULTS = ["ok", "failed", "timed_out", "aborted"] as const satisfies readonly RunResult[];

/** Every instrument, in the order in which they are shown. */
export const INSTRUMENTS = {
  claimed: {
    name: "pulling_agent_claimed_total",
    kind: "counter",
    help: "Documents claimed, also those that were claimed before.",
  },
  takenOver: {
    name: "pulling_agent_taken_over_total",
    kind: "counter",
    help: "Documents claimed from an expired lease: the agent that held them was killed, or was cut off.",
  },
  claimConflicts: {
    name: "pulling_agent_claim_conflicts_total",
    kind: "counter",
    help: "Candidates that another agent claimed first.",
  },
  claimErrors: {
    name: "pulling_agent_claim_errors_total",
    kind: "counter",
    help: "Claims that failed.",
  },
  settled: {
    name: "pulling_agent_settled_total",
    kind: "counter",
    help: "Documents whose lease ended with an outcome that MongoDB has confirmed.",
    labels: { outcome: ["processed", "retried", "dead_lettered", "released", "snoozed", "canceled"] },
  },
  attemptsFailed: {
    name: "pulling_agent_attempts_failed_total",
    kind: "counter",
    help: "Runs of the handler that failed and count as an attempt, whether the document runs again or not.",
  },
  leasesLost: {
    name: "pulling_agent_leases_lost_total",
    kind: "counter",
    help:
      "Leases lost before their document was settled: it was changed, deleted or taken over, and may run twice.",
  },
  outcomesRefused: {
    name: "pulling_agent_outcomes_refused_total",
    kind: "counter",
    help: "Outcomes that MongoDB refused to write on their document.",
  },
  outcomesUnconfirmed: {
    name: "pulling_agent_outcomes_unconfirmed_total",
    kind: "counter",
    help: "Outcomes whose answer was lost, and of which it could not be found out whether they are written.",
  },
  handlerSeconds: {
    name: "pulling_agent_handler_seconds",
    kind: "histogram",
    unit: "seconds",
    help: "How long runs of the handler took. A batch is one run.",
    labels: { result: RUN_RESULTS },
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600],
  },
  pickUpDelay: {
    name: "pulling_agent_pick_up_delay_seconds",
    kind: "histogram",
    unit: "seconds",
    help:
      "Time from when a document was due to its claim. A new document is due when its ObjectId was made; " +
      "other ids tell no time. Takeovers are left out.",
    buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400],
  },
  rateLimitWait: {
    name: "pulling_agent_rate_limit_wait_seconds",
    kind: "histogram",
    unit: "seconds",
    help:
      "Time from the claim of a document to its start, in an agent with RATE_LIMIT. Without, none is counted.",
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 15, 60],
  },
  rateLimitedSeconds: {
    name: "pulling_agent_rate_limited_seconds_total",
    kind: "counter",
    unit: "seconds",
    help: "Time during which RATE_LIMIT alone kept the agent from claiming or starting documents.",
  },
  operationSeconds: {
    name: "pulling_agent_mongodb_operation_seconds",
    kind: "histogram",
    unit: "seconds",
    help: "How long MongoDB took to answer. An operation without an answer counts when it is given up.",
    labels: { operation: OPERATIONS, outcome: ["ok", "error"] },
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
  },
  eventLoopDelay: {
    name: "pulling_agent_event_loop_delay_seconds",
    kind: "histogram",
    unit: "seconds",
    help:
      "How late a timer fired that is set four times a second: how long the process was busy with other code.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15],
  },
  held: {
    name: "pulling_agent_held_documents",
    kind: "gauge",
    help:
      "Documents that the agent holds: waiting for a slot, running in the handler, or settling their outcome.",
    labels: { stage: ["waiting", "running", "settling"] },
  },
  batchSize: {
    name: "pulling_agent_batch_size",
    kind: "gauge",
    help: "Documents that the next claim takes at most: BATCH_SIZE, or what `auto` makes of it now.",
  },
  ready: {
    name: "pulling_agent_ready",
    kind: "gauge",
    help: "1 if the agent is ready, as its readiness probe sees it, otherwise 0.",
  },
  paused: {
    name: "pulling_agent_paused",
    kind: "gauge",
    help: "1 if the agent is paused and this source has paused it, otherwise 0.",
    labels: { source: ["signal", "file", "fleet"] },
  },
  breakerOpen: {
    name: "pulling_agent_breaker_open",
    kind: "gauge",
    help:
      "1 if the processor fails for one document after the other and the agent tries one at a time, otherwise 0.",
  },
  breakerOpened: {
    name: "pulling_agent_breaker_opened_total",
    kind: "counter",
    help: "How many times the breaker opened: the processor failed for one document after the other.",
  },
  loopStuck: {
    name: "pulling_agent_loop_stuck",
    kind: "gauge",
    help:
      "1 if the poll loop has not moved for longer than it may, and the liveness probe fails, otherwise 0.",
  },
  rateLimit: {
    name: "pulling_agent_rate_limit_per_second",
    kind: "gauge",
    help: "Documents that RATE_LIMIT lets this agent start in a second now. Missing without RATE_LIMIT.",
  },
  mongodbConnected: {
    name: "pulling_agent_mongodb_connected",
    kind: "gauge",
    help: "1 if a MongoDB server that takes writes is in reach and lets the agent in, otherwise 0.",
  },
  lastClaim: {
    name: "pulling_agent_last_claim_timestamp_seconds",
    kind: "gauge",
    unit: "seconds",
    help:
      "Unix time of the last claim that MongoDB answered, also if it found nothing. Missing before the first.",
  },
  leftAlone: {
    name: "pulling_agent_left_alone_documents",
    kind: "gauge",
    help: "Documents that wait and that no claim can take, as the last look found them; at least so many.",
  },
  claimable: {
    name: "pulling_agent_claimable_documents",
    kind: "gauge",
    help: `Documents that could be claimed now, ${UP_TO}, without those that are left alone. ${SHARED}`,
    labels: OF_SOURCE,
  },
  oldestClaimable: {
    name: "pulling_agent_oldest_claimable_seconds",
    kind: "gauge",
    unit: "seconds",
    help: `How long the oldest of the documents that could be claimed has been due. ${SHARED}`,
    labels: OF_SOURCE,
  },
  deadLetters: {
    name: "pulling_agent_dead_letters",
    kind: "gauge",
    help: `Dead letters of the collection, ${UP_TO}. ${SHARED}`,
    labels: OF_SOURCE,
  },
  backlogCounted: {
    name: "pulling_agent_backlog_counted_timestamp_seconds",
    kind: "gauge",
    unit: "seconds",
    help:
      `Unix time at which the documents that could be claimed were last counted, by this agent or another one of its fleet. It stays if no agent counts them any more. 0 before the first that this agent knows of. ${SHARED}`,
    labels: OF_SOURCE,
  },
  buildInfo: {
    name: "pulling_agent_build_info",
    kind: "gauge",
    help: "Always 1; the labels name the build of the agent.",
    labels: { version: { fact: "version" }, commit: { fact: "commit" } },
  },
  heapUsed: {
    name: "pulling_agent_heap_used_bytes",
    kind: "gauge",
    unit: "bytes",
    help: "What the objects of JavaScript take.",
  },
  heapLimit: {
    name: "pulling_agent_heap_limit_bytes",
    kind: "gauge",
    unit: "bytes",
    help: "What the objects of JavaScript may take at most. The process ends if they need more.",
  },
  processStart: {
    name: "process_start_time_seconds",
    kind: "gauge",
    unit: "seconds",
    help: "Unix time of the start of the process.",
  },
  processMemory: {
    name: "process_resident_memory_bytes",
    kind: "gauge",
    unit: "bytes",
    help: "Memory of the machine that the process takes.",
  },
} as const satisfies Record<string, Instrument>;
