import { concern } from "../concern.ts";
import { seconds, setting } from "../steps.ts";

/** An election takes about this long with the server's own settings, in milliseconds. */
const ELECTION_MS = 15_000;
/** A stuck loop is found after three heartbeats, and at least after half a minute: longer ones delay that. */
const LONGEST_BEAT_MS = 10_000;

/** Times that do not go together. */
export const lease = concern({
  name: "times",
  doc: "LEASE_DURATION, PROCESS_TIMEOUT and HEARTBEAT_INTERVAL beside each other",
  findings: {
    short_lease: {
      level: "hurts",
      doc: "An election of MongoDB may take longer than a lease: documents run twice.",
    },
    lease_below_timeout: {
      level: "note",
      doc:
        "Long runs rely on renewals. One that blocks its process, or an outage, makes another agent run the document.",
    },
    slow_heartbeat: { level: "note", doc: "A stuck loop is found after three heartbeats only." },
  },
  *look({ settings: { heartbeatIntervalMs, leaseMs, processTimeoutMs } }) {
    if (leaseMs < ELECTION_MS) {
      yield {
        is: "short_lease",
        says:
          `LEASE_DURATION is ${
            seconds(leaseMs)
          } s: while MongoDB elects a primary, which takes about 12 s, leases ` +
          "end that their agents still hold",
        steps: [setting("LEASE_DURATION", seconds(Math.max(60_000, processTimeoutMs)))],
      };
    } else if (leaseMs < processTimeoutMs) {
      yield {
        is: "lease_below_timeout",
        says:
          `LEASE_DURATION (${seconds(leaseMs)} s) is below PROCESS_TIMEOUT (${
            seconds(processTimeoutMs)
          } s): ` +
          "a run that is longer than a lease is safe only as long as the agent can renew it",
        steps: [setting("LEASE_DURATION", seconds(processTimeoutMs))],
      };
    }
    if (heartbeatIntervalMs > LONGEST_BEAT_MS) {
      yield {
        is: "slow_heartbeat",
        says:
          `HEARTBEAT_INTERVAL is ${
            seconds(heartbeatIntervalMs)
          } s: the liveness probe notices a stuck loop after ` +
          `${seconds(3 * heartbeatIntervalMs)} s`,
        steps: [setting("HEARTBEAT_INTERVAL", seconds(LONGEST_BEAT_MS / 2))],
      };
    }
  },
});
