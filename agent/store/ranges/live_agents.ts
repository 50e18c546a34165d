import type { Document } from "mongodb";
import { MARK } from "../fleet/control_document.ts";
import type { ServerTime } from "../server/server_time.ts";

/** The entries of agents that show themselves in the collection of the agents, by the server's time. */
function liveAgents(time: ServerTime): Document {
  return {
    ...MARK,
    state: { $exists: true },
    $expr: { $gt: [{ $add: ["$seen_at", "$lives_ms"] }, time] },
  };
}

/** Those of them that claim by document. An agent of an earlier version tells no mode. */
export function liveInDocumentMode(time: ServerTime): Document {
  return { ...liveAgents(time), mode: { $ne: "range" } };
}

/** The entries of agents that have claimed, and may hold documents under leases of `leaseMs`, also if they were killed. */
export function mayHoldDocuments(time: ServerTime, leaseMs: number): Document {
  return {
    ...MARK,
    "counters.claimed": { $gt: 0 },
    $expr: { $gt: [{ $add: ["$seen_at", "$lives_ms", leaseMs] }, time] },
  };
}
