import { LETTERS, REQUEUES } from "./dead_letter_rules.ts";
import { CHECKPOINTS, SNOOZES, WRITES } from "./result_rules.ts";
import type { Rule } from "../rule.ts";

export type { Rule };

/** Several rules in a row that belong together. */
const LEASES = {
  tokenIsLease: {
    title: "a lease is a token",
    rule:
      "A lease is a token. A document without one is not leased, even if its status is `processing`, and each write that " +
      "ends a lease removes the token.",
    reason:
      "Other programs set `status` to `processing`, too. The agent must not take over the documents that they work on.",
    without: "an expired lease is told by `status` and `_pull.visible_at`",
    code: [["agent/store/queries.ts", "EXPIRED"], [
      "agent/store/outcomes/ack_nack_release.ts",
      "LEASE_FIELDS",
    ]],
  },
  stillMatches: {
    title: "a claim matches again what was read",
    rule:
      "A claim is one write. It takes the documents that were read and that still match the same query. " +
      "A suspect has to have the same counters, too.",
    reason: "Agents read the same candidates at the same time. For each document one of them wins.",
    without: "the claim is written by `_id` alone",
    code: [["agent/store/claims/claim_writer.ts", "markClaimed"], [
      "agent/store/claims/claim_writer.ts",
      "markSuspect",
    ]],
  },
  onlyItsToken: {
    title: "a document with the token is claimed",
    rule:
      "A claim has taken the documents that carry its token. If it took fewer than it asked for, or if no answer " +
      "came, the documents are read back by the token before anything else is claimed.",
    reason:
      "An `updateMany` returns how many documents it matched, not which. It is not sent again if its answer is " +
      "lost, so only the token tells what it did.",
    without: "the agent treats all that it asked for as claimed",
    code: [["agent/store/claims/claim_sender.ts", "readBack"], [
      "agent/store/claims/claim_sender.ts",
      "recover",
    ]],
  },
  tokenInFilter: {
    title: "the holder names its token",
    rule: 'Each write of a holder names `_id`, token and `status: "processing"` in its filter: the token.',
    reason:
      "An agent that was frozen goes on as if nothing had happened, and a write that was given up may still " +
      "arrive. Neither may touch what another agent holds by now.",
    without: "the filter names `_id` and status",
    code: [["agent/store/queries.ts", "leasedBy"]],
  },
  statusInFilter: {
    title: "the holder names the status",
    rule: 'Each write of a holder names `_id`, token and `status: "processing"` in its filter: the status.',
    reason:
      "Users set `status` by hand while a handler runs. Their decision counts, even if they leave the token.",
    without: "the filter names `_id` and token",
    code: [["agent/store/queries.ts", "leasedBy"]],
  },
  serverClock: {
    title: "the server's clock decides",
    rule:
      "Whether a lease is over is decided by the server's clock, in the query and in the claim's write. The " +
      "expiry is written from the server's time, as the agent tracks it, and is never ahead of it.",
    reason:
      "The clocks of two pods differ. A lease that is over for one of them and not for the other has two holders.",
    without: "the clock of an agent runs ahead: for it each lease is over",
    code: [["agent/store/queries.ts", "DUE"], ["agent/store/connection/server_clock.ts", "ServerClock"]],
  },
  renewal: {
    title: "held documents are renewed",
    rule:
      "An agent renews the leases of all documents that it holds, every third of a lease, also while it is paused " +
      "and while it drains. A renewal never shortens a lease.",
    reason:
      "A handler may take longer than a lease, and claimed documents may wait even longer for a handler.",
    without: "leases run out while their holder works",
    code: [["agent/leases/lease_keeper.ts", "LeaseKeeper"], ["agent/store/lease_writes.ts", "renew"]],
  },
  drainWaits: {
    title: "no claim is abandoned",
    rule: "A claim that is under way is finished, also while the agent drains. Its documents are released.",
    reason: "Documents that are not read back wait until their lease runs out, and each counts a takeover.",
    without: "an agent that drains ends without the answer to its claim",
    code: [["agent/claiming/poll_loop.ts", "recoverLast"], ["agent/agent.ts", "finish"]],
  },
} as const satisfies Record<string, Rule>;

const ATTEMPTS = {
  readsBookkeepingBack: {
    title: "documents with bookkeeping are read back",
    rule:
      "Documents that were read without `_pull` are used as read. All others are read back after the claim. " +
      "Release and redrive therefore leave `_pull.visible_at`.",
    reason: "The claim of a retry still matches if the attempts have grown since the document was read.",
    without: "retries and takeovers are used as read, too",
    code: [["agent/store/claims/candidates.ts", "asRead"], [
      "agent/store/back_to_pending.ts",
      "backToPending",
    ]],
  },
  releaseRefunds: {
    title: "a release gives the attempt back",
    rule: "A release gives the attempt back that the claim counted.",
    reason: "An interruption is not a failure: a deployment must not use up attempts.",
    without: "a release leaves the attempts as they are",
    code: [["agent/store/outcomes/ack_nack_release.ts", "release"]],
  },
  freeTakeover: {
    title: "a crash beside other documents costs no attempt",
    rule:
      "The takeover of an expired lease counts no attempt, unless the document was alone when the lease expired.",
    reason: "The process may have ended because of another document, or because its node went away.",
    without: "each takeover counts an attempt",
    code: [["agent/store/claims/claim_writer.ts", "ClaimWriting"], [
      "agent/store/claims/claim_writer.ts",
      "markSuspect",
    ]],
  },
  cappedAttempts: {
    title: "attempts never pass their limit",
    rule:
      "The takeover of a lease that expired while the document was alone counts an attempt, unless a verdict is " +
      "written, but attempts never exceed `MAX_ATTEMPTS`.",
    reason: "A document may be alone more often than it may fail.",
    without: "it always counts an attempt",
    code: [["agent/store/claims/claim_writer.ts", "markSuspect"]],
  },
} as const satisfies Record<string, Rule>;

const SUSPECTS = {
  suspectsByTakeovers: {
    title: "takeovers make a suspect",
    rule:
      "`_pull.takeovers` counts the expired leases of a document. The first takeover is ordinary; from the " +
      "second on the document is a suspect.",
    reason:
      "A poison document ends the process and interrupts all other documents in flight, again and again.",
    without: "no document is a suspect",
    code: [["agent/store/queries.ts", "SUSPECT_LEASE"], ["agent/store/queries.ts", "TAKEOVERS_IN_COMPANY"]],
  },
  suspectsAlone: {
    title: "a suspect runs alone",
    rule:
      "A suspect is claimed by itself, by an agent that holds nothing else and that claims nothing until the " +
      "suspect is settled.",
    reason: "Only a document that ran alone can be blamed for the end of the process.",
    without: "suspects are claimed and run like all others",
    code: [["agent/claiming/suspect_isolation.ts", "SuspectIsolation"], [
      "agent/store/claims/suspect_claimer.ts",
      "SuspectClaimer",
    ]],
  },
  markBeforeStart: {
    title: "the mark comes right before the start",
    rule: "Right before the handler of a suspect starts, a second write adds to `_pull.alone`.",
    reason:
      "A process may end between claim and start. A mark that the claim makes blames a document that never ran.",
    without: "the claim of a suspect adds to `_pull.alone`",
    code: [["agent/handling/pool.ts", "runAlone"], ["agent/store/lease_writes.ts", "markRunningAlone"]],
  },
  noAnswerNoStart: {
    title: "no mark, no start",
    rule: "Without an answer to that mark the handler does not start: the suspect is released.",
    reason: "If the mark was lost, it blames no document, and poison ends one more process each time.",
    without: "the handler starts after the mark was sent",
    code: [["agent/handling/pool.ts", "notStarted"]],
  },
  markNeedsLease: {
    title: "the mark needs a live lease",
    rule: "The mark is written only while the lease is live.",
    reason:
      "A frozen agent would mark a document whose lease is over. That lease would at once count as one that " +
      "expired while the document was alone.",
    without: "the mark is written on an expired lease, too",
    code: [["agent/store/lease_writes.ts", "markRunningAlone"]],
  },
  releaseTakesMarkBack: {
    title: "a release takes its mark back",
    rule: "The release of a suspect sets `_pull.alone` back to what it was when the suspect was claimed.",
    reason:
      "A drain or a lost answer is not the document's fault. The number is set, not decremented, because the " +
      "mark may or may not have been written.",
    without: "a release leaves `_pull.alone` as it is",
    code: [["agent/store/outcomes/ack_nack_release.ts", "release"]],
  },
  releaseKeepsSuspicion: {
    title: "a release keeps the suspicion",
    rule: "A release leaves `_pull.takeovers` as it is; a nack sets it back.",
    reason:
      "A document that was released unharmed was not run. One that failed has shown that it does not end " +
      "the process.",
    without: "a release sets `_pull.takeovers` back",
    code: [["agent/store/outcomes/ack_nack_release.ts", "release"], [
      "agent/store/queries.ts",
      "SUSPECT_PENDING",
    ]],
  },
  twoExpiries: {
    title: "two processes ended alone make a dead letter",
    rule:
      "A lease that expired while `_pull.alone` was 2 makes the document a dead letter, however many attempts it has left: " +
      "its handler has ended two processes with nothing beside it.",
    reason: "One process may end by chance while an innocent suspect is alone.",
    without: "one such lease is enough",
    code: [["agent/store/queries.ts", "EXPIRIES_ALONE"], [
      "agent/store/documents/leased_document.ts",
      "deadLetterReason",
    ]],
  },
} as const satisfies Record<string, Rule>;

/** The rules by subject, in the order of their numbers. */
export const RULE_GROUPS: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  "Claims and leases": LEASES,
  "Attempts": ATTEMPTS,
  "Suspects": SUSPECTS,
  "Dead letters": LETTERS,
  "Writes of a processor": WRITES,
  "Snoozes": SNOOZES,
  "Checkpoints": CHECKPOINTS,
  "Requeue": REQUEUES,
};

const ALL = {
  ...LEASES,
  ...ATTEMPTS,
  ...SUSPECTS,
  ...LETTERS,
  ...WRITES,
  ...SNOOZES,
  ...CHECKPOINTS,
  ...REQUEUES,
} as const;

/** Names a rule. */
export type RuleName = keyof typeof ALL;

/** All rules, in the order of their numbers. */
export const RULES: Readonly<Record<RuleName, Rule>> = ALL;
export const RULE_NAMES = Object.keys(ALL) as readonly RuleName[];

/** The number of a rule, in the documents and in what the model prints. */
export function numberOf(name: RuleName): number {
  return RULE_NAMES.indexOf(name) + 1;
}
