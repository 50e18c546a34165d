import type { Heartbeat } from "../../../agent/store/doctor/heartbeats.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { databaseConcern } from "../concern.ts";
import { byHand, shell } from "../steps.ts";

/** Less than this may be the way of the answer, in milliseconds. */
const APART_MS = 5000;
/** What signatures, tokens and certificates bear at most, in milliseconds. */
const FAR_MS = 5 * 60_000;

const UNTOLD = new Unseen("no server has told its time: a load balancer stands before them");
const SET_CLOCK = shell("sudo timedatectl set-ntp true");

/** The clocks of this machine and of the servers. The servers tell theirs in their heartbeats. */
export const clocks = databaseConcern({
  name: "clocks",
  doc: "the clocks of this machine and of every server that answers",
  findings: {
    clock_far: {
      level: "hurts",
      doc: "Certificates, tokens and the signatures of requests are judged by this clock, and are refused.",
    },
    clock_apart: {
      level: "note",
      doc:
        "Times in the log differ from those on documents. Leases are not affected: the server's clock decides.",
    },
    members_apart: {
      level: "hurts",
      doc:
        "Leases go by the clock of the primary, or of a cluster's routers: after an election, or through another router, " +
        "they end early or late.",
    },
  },
  *look({ heartbeats }, { settings: { leaseMs } }) {
    const primary = heartbeats.find(({ isPrimary }) => isPrimary) ?? heartbeats[0];
    if (primary === undefined) return yield UNTOLD;
    const apartMs = Math.abs(primary.aheadMs);
    if (apartMs > APART_MS) {
      const direction = primary.aheadMs > 0 ? "behind" : "ahead of";
      yield {
        is: apartMs > FAR_MS ? "clock_far" : "clock_apart",
        says: `The clock of this machine is ${inWords(apartMs)} ${direction} that of ${primary.address}`,
        steps: [byHand("on the machine whose clock is wrong (the pod's node, or the server):"), SET_CLOCK],
      };
    }
    for (const { address, aheadMs, isElectable, isRouter } of heartbeats) {
      // Its clock decides nothing.
      if (!isElectable && !isRouter) continue;
      const betweenMs = aheadMs - primary.aheadMs;
      if (Math.abs(betweenMs) <= Math.min(APART_MS, leaseMs / 4)) continue;
      const direction = betweenMs > 0 ? "ahead of" : "behind";
      const apart = `${inWords(Math.abs(betweenMs))} ${direction}`;
      yield {
        is: "members_apart",
        says: isRouter
          ? `The clock of the router ${address} is ${apart} that of the router ${primary.address}: a lease that is made ` +
            "through one of them ends early or late for the other"
          : `The clock of the member ${address} is ${apart} that of the primary ${primary.address}: ${
            effect(betweenMs)
          } if it becomes the primary`,
        steps: [byHand(`on ${host({ address })}:`), SET_CLOCK],
      };
    }
  },
});

function effect(betweenMs: number): string {
  return betweenMs > 0
    ? "leases that their agents still hold end, and documents run twice,"
    : "leases of killed agents last longer, and scheduled documents wait,";
}

function host({ address }: Pick<Heartbeat, "address">): string {
  return address.replace(/:\d+$/, "");
}

function inWords(ms: number): string {
  const s = Math.round(ms / 1000);
  return s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} minutes` : `${Math.round(s / 3600)} hours`;
}
