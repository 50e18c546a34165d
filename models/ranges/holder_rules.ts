import type { RangeRule } from "./rule.ts";

/** What the holder of a range writes. */
export const HOLDERS = {
  acksListed: {
    number: "R1",
    title: "an ack lists its documents",
    rule: "An ack names the ids of the documents that were processed, never their range.",
    reason: "Documents are inserted into a range while it is held. Others in it have failed.",
    without: "it names the range",
    code: [["agent/store/outcomes/group_write.ts", "heldBy"]],
  },
  namesNew: {
    number: "R2a",
    title: "acks and nacks match documents without bookkeeping",
    rule:
      "An ack, a nack, a snooze and a release out of a range match only documents that are still new, and leave " +
      "bookkeeping. From then on the document belongs to document mode.",
    exactly: ['filter: { _id: { $in: ids }, status: "pending", _pull: { $exists: false } }'],
    reason:
      "No token on the document tells that the range is over. What another agent has touched since must not match.",
    without: "the filter names `_id` and status",
    code: [["agent/store/held_by.ts", "heldBy"], ["agent/store/ranges/new_documents.ts", "newAmong"]],
  },
  namesStatus: {
    number: "R2b",
    title: "acks and nacks match pending documents",
    rule: 'They also name `status: "pending"`.',
    reason: "Users set `status` by hand while a handler runs. Their decision counts.",
    without: "the filter names `_id` and that there is no bookkeeping",
    code: [["agent/store/ranges/new_documents.ts", "NEW"]],
  },
  oneTransaction: {
    number: "R16",
    title: "writes are made in the transaction of the ack",
    rule:
      "Writes that a processor asks for are made in one transaction with the ack of its document, whose filter is the one of " +
      "R2. If the ack does not match, nothing is written. A commit without an answer is sent again, then the transaction is " +
      "made anew. If its ack does not match then, it is not known which run has made the writes: the document is neither " +
      "nacked nor run again.",
    reason: "The writes are made once for each document that is processed, however often it runs.",
    without: "the writes are made before the ack",
    code: [["agent/store/effects/one_transaction.ts", "heldBy"]],
  },
  judgesInOneWrite: {
    number: "R18",
    title: "a dead letter out of a range begins with a lease",
    rule:
      "If a run in a range fails for good, one write takes the document out of the range: it gives it a lease with a token " +
      "of its own, and the verdict. Copy and mark follow under that token, as in document mode.",
    exactly: [
      "filter: that of R2",
      'update: { status: "processing", _pull: { token, owner, visible_at, attempts: 1, dead_at, error } }',
    ],
    reason:
      "The rules of dead letters need a document that carries its verdict, and that an agent takes over if the holder is gone.",
    without: "the letter is copied while the document is new, then the document is set to failed",
    code: [["agent/store/ranges/own_leases.ts", "giveOwnLeases"]],
  },
  failsRefused: {
    number: "R19",
    title: "a document that takes no bookkeeping fails by its status",
    rule:
      "If the database refuses each write of bookkeeping on a document, because of the document, its holder copies its letter " +
      "(rule 28) and then sets its status to failed, by the filter of R2. So does the agent whose mark is refused. If that " +
      "is refused as well, the agent leaves the document out of its ranges and reports it.",
    reason:
      "In document mode the claim of such a document is refused, and it never runs. In range mode it runs first. It would " +
      "stay new, and run in each round.",
    without: "the range is dropped, and the document stays new",
    code: [["agent/store/dead_letters/dead_letter_maker.ts", "makeOfNew"], [
      "agent/store/dead_letters/dead_letter_maker.ts",
      "makeWithoutLease",
    ]],
  },
  awaitsAcks: {
    number: "R13a",
    title: "a range is dropped when all of it is answered",
    rule:
      "A range is dropped when each ack, nack and transaction under it was answered. A write without an answer is sent " +
      "again. If it gets none, the range is left to run out.",
    reason:
      "A new document in no range is claimed again. The late write would miss, or undo what the next holder does.",
    without: "it is dropped with an answer missing",
    code: [["agent/store/ranges/held_range.ts", "HeldRange"], [
      "agent/store/ranges/ranges.ts",
      "leavingRanges",
    ]],
  },
  cutsAboveStarted: {
    number: "R13b",
    title: "a drain cuts the range after what was started",
    rule:
      "A drain cuts the range after the last document that was started, in one write that names the token, and drops it at " +
      "the end. What is cut off is still new, and costs no attempt.",
    reason: "Other agents take the rest at once. What is under way stays in the range.",
    without: "a drain drops its range at once",
    code: [["agent/store/outcomes/ack_nack_release.ts", "release"]],
  },
} as const satisfies Record<string, RangeRule>;
