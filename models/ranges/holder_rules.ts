import type { NumberedRule } from "../rule.ts";

/** Documents of a range that get leases of their own. */
export const OWN_LEASES = {
  leavesRange: {
    number: "R20a",
    title: "what is open at the first renewal gets a lease of its own",
    rule:
      "No range is renewed. When its holder would renew it, each document without an outcome gets a lease of its own, with " +
      "the token of the range; a document with a checkpoint gets one before. Then the range is dropped.",
    exactly: [
      'update: { status: "processing", _pull: { token: that of the range, owner, visible_at, attempts, takeovers: 0 } }',
    ],
    reason:
      "One document whose handler is slow, or hangs, would keep all others from agents that are inserted into the range.",
    without: "the range is renewed until all of it has an outcome",
    code: [["agent/store/ranges/own_leases.ts", "giveOwnLeases"]],
  },
  leasesByFilter: {
    number: "R20b",
    title: "a lease of a document's own is given by the filter of R2",
    rule: "The write that gives it has the filter of each outcome.",
    reason: "The write may arrive after the outcome, or when another agent has the document.",
    without: "the filter names `_id` alone",
    code: [["agent/store/outcomes/group_write.ts", "heldBy(group)"]],
  },
  matchesOwnLease: {
    number: "R20c",
    title: "the filter of R2 also matches a lease of the document's own",
    rule:
      "Each write by R2, and the ack of R16, also matches a document that is `processing` with the token of its range.",
    exactly: [
      'filter: { _id: { $in: ids }, $or: [{ status: "pending", _pull: { $exists: false } },',
      '                                  { status: "processing", "_pull.token": that of the range }] }',
    ],
    reason:
      "The lease is given while an outcome is under way, and its answer may be lost. The agent does not know then which of " +
      "both it is.",
    without: "it matches new documents alone",
    code: [["agent/store/held_by.ts", "heldBy"]],
  },
  namesOwnToken: {
    number: "R20d",
    title: "it names the token",
    rule: "A document in processing is matched by the token of the range only.",
    reason: "The lease may have run out, as the agent was frozen, and another agent may have the document.",
    without: "it matches each document in processing",
    code: [["agent/store/queries.ts", "leasedBy"], ["agent/store/held_by.ts", "areLeased"]],
  },
  renewsOwnLeases: {
    number: "R20e",
    title: "a lease of a document's own is renewed",
    rule:
      "From then on the lease is renewed as in document mode. If the answer to the write that gives it was lost, it is given " +
      "again.",
    reason: "Nothing else keeps the document from other agents.",
    without: "nothing renews it",
    code: [["agent/store/ranges/range_renewal.ts", "renewOthers"]],
  },
} as const satisfies Record<string, NumberedRule>;

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
  leasesBeforeVerdict: {
    number: "R18",
    title: "a dead letter out of a range begins with a lease",
    rule:
      "If a run in a range fails for good, the document gets a lease of its own first (R20). Verdict, copy and mark follow " +
      "under its token, as in document mode.",
    reason:
      "The rules of dead letters need a document that carries its verdict, and that an agent takes over if the holder is " +
      "gone. A crash between lease and verdict costs another run.",
    without: "the letter is copied while the document is new, then the document is set to failed",
    code: [["agent/store/ranges/ranges.ts", "async deadLetter"], [
      "agent/store/ranges/own_leases.ts",
      "giveOwnLeases",
    ]],
  },
  failsRefused: {
    number: "R19",
    title: "a document that takes no bookkeeping fails by its status",
    rule:
      "If the database refuses each write of bookkeeping on a document, because of the document, its holder copies its letter " +
      "(rule 28) and then sets its status to failed, by the filter of R2. An agent whose mark is refused leaves the document " +
      "new, and out of its claims for a while, and reports it: it has not failed. A document that is too large for a mark " +
      "gets its letter then.",
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
  releasesInDrain: {
    number: "R13b",
    title: "a drain releases what was not started",
    rule:
      "A drain releases the documents that were not started, by the filter of R2. Other agents claim them by document. The " +
      "range stays until all of it is answered.",
    reason: "What is under way must stay in the range. A release costs no attempt.",
    without: "a drain drops its range at once",
    code: [["agent/store/outcomes/ack_nack_release.ts", "release"]],
  },
} as const satisfies Record<string, NumberedRule>;
