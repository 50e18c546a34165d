import { LOOKS, seconds, setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** How many documents at a time, and how long each may take. */
export const PACE_SETTINGS = {
  pollIntervalMs: setting<number>({
    variable: "POLL_INTERVAL",
    parse: seconds(0.01),
    default: "5",
    doc: "Wait before the next claim while nothing is left to claim.",
  }),
  batchSize: setting<number | "auto">({
    variable: "BATCH_SIZE",
    parse: parse.integerOr("auto", 1, 10_000),
    default: "100",
    doc:
      "Most documents that one claim takes. The agent holds up to twice as many. `auto` takes what the handlers finish in half a second, up to 5,000.",
  }),
  concurrency: setting<number>({
    variable: "CONCURRENCY",
    parse: parse.integer(1, 10_000),
    default: "16",
    doc: "Documents processed at the same time. All handlers together have a heap of 256 MiB.",
  }),
  processTimeoutMs: setting<number>({
    variable: "PROCESS_TIMEOUT",
    parse: seconds(0.01),
    default: "60",
    decides: LOOKS.duration,
    doc: "Longest time that a handler may take. After that its signal is aborted and the attempt has failed.",
  }),
  leaseMs: setting<number>({
    variable: "LEASE_DURATION",
    parse: seconds(1),
    default: "60",
    decides: LOOKS.duration,
    doc:
      "How long a lease lasts unless it is renewed. After that, other agents take over the documents of a killed pod.",
  }),
} as const;
