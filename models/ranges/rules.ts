import { HOLDERS, OWN_LEASES } from "./holder_rules.ts";
import { MODES } from "./mode_rules.ts";
import type { NumberedRule } from "../rule.ts";

const CLAIMS = {
  boundsByIndex: {
    number: "R5",
    title: "ranges follow the order of the index",
    rule:
      "The bounds of a range, and of each read of one, are places in the index of `_id`, across the types of `_id`.",
    exactly: ["min() and max() with a hint; not $gt and $lte, which compare within one type"],
    reason: "A collection may hold ids of several types. None may be out of reach.",
    without: "a query finds ids of the type of its bounds alone",
    code: [["agent/store/ranges/new_documents.ts", "newWithin"]],
  },
  comparesVersion: {
    number: "R8a",
    title: "a swap compares the version",
    rule:
      "A range is claimed by one write on the control document, the swap. It compares the version, gives it another one, moves " +
      "the position to the last document of the range, and adds the range.",
    reason:
      "A claim at a random place leaves the position as it is: agents whose claims meet claim there for a while.",
    without: "it compares the position alone",
    code: [["agent/store/ranges/range_control.ts", "async swap"]],
  },
  readsControlFirst: {
    number: "R8b",
    title: "the control document is read before the ids",
    rule:
      "An agent reads the control document, then the ids for its range. If the swap does not match, it begins again.",
    reason: "The version that the swap compares has to be older than the ids.",
    without: "the ids are read first",
    code: [["agent/store/ranges/range_claimer.ts", "#readState"]],
  },
  versionsAreUnique: {
    number: "R8c",
    title: "each version is new",
    rule: "A version is a value that was never there before, not the next number.",
    reason:
      "A failover may undo a swap that another agent has read already. The next swap would have the same number, and that " +
      "agent would not know its range.",
    without: "the version is counted",
    code: [["agent/store/ranges/range_control.ts", "const version"]],
  },
  startsOver: {
    number: "R9",
    title: "an agent starts over",
    rule:
      "If there is no new document above the position, and at least once in each `LEASE_DURATION`, an agent looks from the " +
      "beginning. If it finds a new document in no range, a swap claims a range there. Live ranges stay: the new range " +
      "ends before the next of them.",
    reason: "Ids need not grow: documents are inserted behind the position.",
    without: "agents read from the position alone",
    code: [["agent/store/ranges/range_claimer.ts", "#beganMs"]],
  },
} as const satisfies Record<string, NumberedRule>;

const LEFT = {
  takesOverFirst: {
    number: "R11a",
    title: "a range that ran out is taken over, then marked",
    rule:
      "An agent reads a range that ran out, then the ids of its new documents. It takes the range over with a new token, " +
      "gives these ids their bookkeeping (the mark), and drops the range.",
    exactly: [
      'mark: filter { _id: { $in: ids }, status: "pending", _pull: { $exists: false } }',
      "update { $set: { _pull: { visible_at: <now>, takeovers: 1 } } }",
    ],
    reason:
      "A mark that arrives late has to miss. It does if each agent reads its ids after the last one has the range.",
    without: "what was read gets its bookkeeping without a takeover",
    code: [["agent/store/ranges/expired_ranges.ts", "#takeOver"]],
  },
  comparesToken: {
    number: "R11b",
    title: "the takeover compares the token",
    rule: "The takeover compares the token that was read before the ids, and that the range has run out.",
    reason: "Another agent may have taken the range over, and dropped it, since the ids were read.",
    without: "it compares only that the range has run out",
    code: [["agent/store/ranges/range_control.ts", "async takeOver"]],
  },
  comparesBounds: {
    number: "R11c",
    title: "the takeover compares the bounds",
    rule: "The takeover compares the bounds that were read before the ids, too.",
    reason:
      "A range with very many documents is finished in parts: what was marked is cut off by one write that names the token. " +
      "A cut that was given up may arrive in between. What it cuts off may be in another range by now.",
    without: "it compares the token alone",
    code: [["agent/store/ranges/range_control.ts", "async takeOver"], [
      "agent/store/ranges/range_control.ts",
      "async cut(",
    ]],
  },
  leftByItsFilter: {
    number: "R17",
    title: "what is left of a range is read by the filter of the range",
    rule:
      "The control document holds the `FILTER` of its ranges, as text in one form. The agent that finishes a range reads what is left of " +
      "it by that one, and not by its own. An agent in range mode with another `FILTER` claims nothing. It may replace the " +
      "one in the control document as it would change the mode: without ranges, after the lease of the mode. The position " +
      "goes back to the start then.",
    reason:
      "An agent that does not see all of a range does not mark all of it, and a poison document is new again. Without any " +
      "filter, it would write on documents that are not meant for agents.",
    without: "it is read by the `FILTER` of the agent",
    code: [["agent/store/ranges/expired_ranges.ts", "filterIn(text)"], [
      "agent/store/ranges/mode_lease.ts",
      "#change",
    ]],
  },
  awaitsMarks: {
    number: "R11d",
    title: "the range is dropped when its marks are answered",
    rule: "A range that was taken over is dropped when all of its marks are answered.",
    reason: "A mark that arrives later hits a document that another agent holds in a new range.",
    without: "it is dropped with an answer missing",
    code: [["agent/store/ranges/expired_ranges.ts", "#takeOver"]],
  },
  marksTakeover: {
    number: "R11e",
    title: "the mark counts a takeover",
    rule: "The mark writes `_pull.takeovers: 1`.",
    reason: "A poison document ends no more processes than in document mode: two beside others, two alone.",
    without: "the mark counts nothing",
    code: [["agent/store/ranges/expired_ranges.ts", "takeovers: 1"]],
  },
} as const satisfies Record<string, NumberedRule>;

const RESETS = {
  staysOld: {
    number: "R12a",
    title: "nothing becomes new again",
    rule: "A redrive, a requeue and a reset by hand leave bookkeeping.",
    exactly: ['{ $set: { status: "pending", _pull: { visible_at: <now> } } }'],
    reason: "An ack that arrives late matches each new document.",
    without: "a reset makes the document new",
    code: [["agent/store/dead_letters/letters_for_commands.ts", "_pull.takeovers"]],
  },
  requeueLeavesNew: {
    number: "R12b",
    title: "a requeue leaves new documents as they are",
    rule: "A requeue does not write on a document that is pending and has no bookkeeping.",
    reason: "It may be in a live range. With bookkeeping it could be claimed beside its holder.",
    without: "it gives the document bookkeeping",
    code: [["agent/store/requeue/standing.ts", "IS_NEW_AND_DUE"], [
      "control/changes/requeue_change.ts",
      "BY_ID_ALONE",
    ]],
  },
} as const satisfies Record<string, NumberedRule>;

/** The rules by what they are about. R3, R4, R6, R7 and R10 of earlier drafts are part of others. */
export const RANGE_RULE_GROUPS = {
  "Claims of ranges": CLAIMS,
  "Holders of ranges": HOLDERS,
  "Leases of a document's own": OWN_LEASES,
  "Ranges that ran out": LEFT,
  "Documents that start over": RESETS,
  "Both modes at once": MODES,
} as const;

/**
 * New documents belong to the holder of the range that they are in, and all others to claims by document. That there is one
 * control document, and that ranges are open below and closed above, is the shape of the model itself.
 */
export const RANGE_RULES = { ...CLAIMS, ...HOLDERS, ...OWN_LEASES, ...LEFT, ...RESETS, ...MODES } as const;

/** Names a rule of range claims. */
export type RangeRuleName = keyof typeof RANGE_RULES;
export const RANGE_RULE_NAMES = Object.keys(RANGE_RULES) as readonly RangeRuleName[];
