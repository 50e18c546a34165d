import type { Document } from "bson";
import type { Run } from "./run_log.ts";
import type { State, Step } from "./steps.ts";
import type { Lease } from "./story.ts";
import type { Terms } from "./terms.ts";

/** A write that is a step of the protocol, and what is known about it. */
export interface Move {
  readonly step: Step;
  readonly before: State;
  readonly after: State;
  /** The bookkeeping before and after. */
  readonly was: Document;
  readonly is: Document;
  /** When it was written, in milliseconds since 1970. */
  readonly wall: number;
  readonly lease: Lease | undefined;
  /** The run under the lease, and how it has ended by then. */
  readonly run: Run | undefined;
  readonly how: "done" | "failed" | "open" | "not begun";
  /** Whether the holder was told to end by then, or was cut off under this lease. */
  readonly mayRelease: boolean;
}

interface Rule {
  readonly rule: string;
  readonly of: readonly Step[];
  holds(move: Move, terms: Terms): boolean;
  /** What is wrong if it does not hold. */
  what(move: Move): string;
}

/**
 * A write may take this long from when the server read its clock for the filter until it is in the oplog, in
 * milliseconds.
 */
const WRITE_MS = 2000;
/** Clocks that are read one after the other may be this much apart, in milliseconds. */
export const SAME_TIME_MS = 20;

const CLAIMS = ["claim", "takeover"] as const;
const LEASED = [...CLAIMS, "renewal", "leave", "mark", "verdict"] as const;
const BACK = ["nack", "release", "snooze"] as const;
const WITHOUT_VERDICT = ["ack", "nack", "snooze", "mark", "cancel"] as const;

/** What holds for each step, by docs/protocol.md. */
export const RULES: readonly Rule[] = [
  {
    rule: "one live lease",
    of: CLAIMS,
    holds: ({ was: { visible_at: dueAt }, wall }) => dueAt === undefined || dueAt.getTime() <= wall,
    what: ({ step }) => step === "claim" ? "it is claimed before its time" : "a live lease is taken over",
  },
  {
    rule: "one live lease",
    of: ["requeue"],
    holds: ({ was: { token, visible_at }, wall }) => token === undefined || visible_at.getTime() <= wall,
    what: () => "it is requeued under a live lease",
  },
  {
    rule: "the server's clock",
    of: LEASED,
    holds: ({ is, wall }, { leaseMs }) => is.visible_at.getTime() <= wall + leaseMs,
    what: () => "its lease ends later than a lease from now",
  },
  {
    rule: "the server's clock",
    of: ["release", "unheld"],
    holds: ({ is, wall }) => is.visible_at.getTime() <= wall,
    what: () => "it is released, and not due",
  },
  {
    rule: "the server's clock",
    of: ["verdict"],
    holds: ({ is, wall }) => is.dead_at instanceof Date && Math.abs(is.dead_at.getTime() - wall) <= WRITE_MS,
    what: () => "its verdict is not of the server's time",
  },
  {
    rule: "attempts",
    of: CLAIMS,
    holds: ({ is, step, was }, { maxAttempts }) => {
      // Alone twice, or a verdict stands, and it is a dead letter: then the takeover is no attempt any more.
      const runsAgain = was.alone === 1 && was.dead_at === undefined;
      const counts = step === "claim" || (runsAgain && was.attempts < maxAttempts);
      return is.attempts === (was.attempts ?? 0) + Number(counts) && is.attempts <= maxAttempts;
    },
    what: ({ is, step, was }) => `a ${step} makes ${is.attempts} of ${was.attempts ?? 0} attempts`,
  },
  {
    rule: "attempts",
    of: CLAIMS,
    holds: ({ is, step, was }) => (is.takeovers ?? 0) === (was.takeovers ?? 0) + Number(step === "takeover"),
    what: ({ is, step, was }) => `a ${step} makes ${is.takeovers} of ${was.takeovers ?? 0} takeovers`,
  },
  {
    rule: "attempts",
    of: ["nack"],
    holds: ({ is }, { maxAttempts }) => is.attempts < maxAttempts,
    what: ({ is }) => `it waits for a retry after ${is.attempts} attempts`,
  },
  {
    rule: "attempts",
    of: ["nack", "verdict"],
    holds: ({ how }, { refuses }) => how !== "done" || refuses === true,
    what: () => "its handler has succeeded, and a failure is written",
  },
  {
    rule: "a token's writes",
    of: ["ack", "snooze"],
    holds: ({ how, lease }) => how === "done" || lease === undefined,
    what: ({ how }) => `its holder's run is ${how}, and its success is written`,
  },
  {
    rule: "a token's writes",
    of: ["nack", "verdict"],
    holds: ({ how, lease, run, step, wall }, { processTimeoutMs = Infinity }) =>
      how === "done" || how === "failed" || lease === undefined ||
      (step === "verdict" && wasAloneTwice(lease)) ||
      (run !== undefined && wall - run.beganMs >= processTimeoutMs - SAME_TIME_MS),
    what: ({ how }) => `its holder's run is ${how}, and its failure is written`,
  },
  {
    rule: "doubles are excused",
    of: ["release"],
    // A run that has failed may be spared its attempt: the breaker is open. The document runs again in any case.
    holds: ({ how, mayRelease, run, wall }, { processTimeoutMs = Infinity }) =>
      run === undefined || mayRelease || how === "failed" ||
      wall - run.beganMs >= processTimeoutMs - SAME_TIME_MS,
    what: ({ how }) => `it is released while its run is ${how}, and its holder was not told to end`,
  },
  {
    rule: "letters and verdicts",
    of: WITHOUT_VERDICT,
    holds: ({ was }) => was.dead_at === undefined,
    what: ({ step }) => `it has a verdict, and gets a ${step}`,
  },
  {
    rule: "letters and verdicts",
    of: ["requeue"],
    holds: ({ before, was }) => was.dead_at === undefined || before.status === "failed",
    what: () => "it has a verdict that is not final, and is requeued",
  },
  {
    rule: "letters and verdicts",
    of: ["verdict"],
    holds: ({ is, lease, run }, { maxAttempts }) =>
      is.attempts >= maxAttempts || wasAloneTwice(lease) || run?.end?.isPermanent === true,
    what: ({ is }) => `it is given up after ${is.attempts} attempts, and ${is.alone ?? 0} times alone`,
  },
  {
    rule: "suspects",
    of: ["mark"],
    holds: ({ lease }) => lease === undefined || (isSuspect(lease) && lease.markedMs === undefined),
    what: () => "it is no suspect, or has its mark, and is marked",
  },
  {
    rule: "suspects",
    of: ["mark"],
    holds: ({ wall, was }) => was.visible_at.getTime() > wall - WRITE_MS,
    what: () => "it is marked under a lease that is over",
  },
  {
    rule: "suspects",
    of: ["release", "snooze"],
    holds: ({ is, lease }) => lease === undefined || (is.alone ?? 0) === (lease.claimed._pull!.alone ?? 0),
    what: () => "its mark is not taken back",
  },
  {
    rule: "checkpoints",
    of: ["renewal", ...BACK],
    holds: ({ is, was }) => is.saved?.n === was.saved?.n || is.saved?.n > (was.saved?.n ?? 0),
    what: () => "a checkpoint replaces a newer one",
  },
  {
    rule: "checkpoints",
    of: BACK,
    holds: ({ how, is, run }) =>
      (how !== "done" && how !== "failed") || run!.end!.saved === JSON.stringify(is.saved?.data),
    what: ({ run }) => `its run has saved ${run!.end!.saved}, which is not written`,
  },
  {
    rule: "legal transitions",
    of: ["requeue"],
    holds: ({ before, was }) => before.status !== "processing" || was.token !== undefined,
    what: () => "another program works on it, and it is requeued",
  },
  {
    rule: "legal transitions",
    of: ["ack"],
    holds: ({ after }) => after.processed_at instanceof Date,
    what: () => "it is processed, and has no time",
  },
];

/** Whether a document has to run alone under this lease. */
export function isSuspect({ claimed: { _pull } }: Lease): boolean {
  const { alone = 0, dead_at, takeovers = 0 } = _pull!;
  return dead_at === undefined && alone < 2 && (takeovers >= 2 || alone >= 1);
}

/** Whether the document had been alone twice when it was claimed: it has to become a dead letter. */
function wasAloneTwice(lease: Lease | undefined): boolean {
  return lease === undefined || lease.claimed._pull!.alone >= 2;
}
