import type { Rule } from "../rule.ts";

/** How the writes that a processor asks for are made, once for each document. */
export const WRITES = {
  oneTransaction: {
    title: "the writes and the ack are one transaction",
    rule:
      "The writes that a processor asks for are made in one transaction with the ack of their document. One transaction " +
      "may hold many documents.",
    exactly: [
      'session.startTransaction({ readConcern: { level: "snapshot" }, writeConcern: { w: "majority" } })',
      "source.bulkWrite(acks, { ordered: true, session })   // see the next rule",
      "for each collection and kind of write: collection.bulkWrite(writes, { ordered: true, session })   // those of a document in their order",
      "session.commitTransaction()",
    ],
    reason: "Of two writes one after the other only the first is made if the agent ends in between.",
    without: "the writes come first, then the ack",
    code: [["agent/store/effects/one_transaction.ts", "endTransaction"], [
      "agent/store/effects/effect_writer.ts",
      "EffectWriter",
    ]],
  },
  acksFirst: {
    title: "the acks come first in it",
    rule: "The first write of a transaction are its acks. The writes follow when all of them have matched.",
    exactly: [
      "for each token and number of attempts: { updateMany: {",
      '  filter: { _id: { $in: ids }, "_pull.token": token, status: "processing" },',
      '  update: { $set: { status: "processed", _pull: { attempts } }, $currentDate: { processed_at: true }, $unset: { error: "" } } } }',
      "with `set`: one updateOne a document, `$set: { ...set, status, _pull }`",
    ],
    reason:
      "A transaction whose commit had no answer may have been committed. Its writes, made again, would then meet their own " +
      "keys in a unique index, and that is no failure of the document. An ack that matched also locks its document until the " +
      "transaction ends: no other agent can take it over.",
    without: "the writes come first, then the acks",
    code: [["agent/store/effects/one_transaction.ts", "makeAll"]],
  },
  missAborts: {
    title: "an ack that misses aborts",
    rule:
      "An ack in a transaction has the filter of each holder's write. If not all of them match, the transaction is aborted.",
    exactly: [
      "matchedCount of all acks < number of documents: session.abortTransaction(), before any other write",
    ],
    reason: "A lease that is lost belongs to another agent, which makes the same writes.",
    without: "the transaction is committed, with the acks that match and with all writes",
    code: [["agent/store/effects/one_transaction.ts", "matchedCount < acks.length"]],
  },
  retryFenced: {
    title: "a commit without an answer is no commit",
    rule:
      "If a commit stays without an answer, its documents go into a new transaction, with their acks as before. One whose " +
      "ack does not match then is unconfirmed: the agent lets go of it, and neither nacks nor runs it.",
    exactly: [
      "UnknownTransactionCommitResult, a network error, or any error of a commit that was sent twice:",
      "  the same session, a new transaction: it ends the old one if that is open still",
      "  no match for one that was in such a commit: unconfirmed (not nacked, not released, not a lost lease)",
    ],
    reason:
      "The commit may have been applied, may still be, or never. The ack tells: it misses what was committed, and conflicts " +
      "with what is still open.",
    without: "the new transaction does not ask whether the ack matches",
    code: [["agent/store/effects/transaction_errors.ts", "UnknownCommitError"], [
      "agent/store/effects/transactions.ts",
      "Transactions",
    ]],
  },
  othersGoAgain: {
    title: "an abort for one document spares the others",
    rule:
      "If acks miss, or a write is refused, the transaction is aborted. The documents at fault leave it, and the others go " +
      "together into a new one. A document whose write was refused gets a transaction of its own after that. A refusal there " +
      "is a failure of that document's attempt.",
    exactly: [
      "refused: an error without TransientTransactionError whose code concerns the document (11000, 121, 2, 10334 ...)",
      "  the position in the ordered bulk write tells whose it is; if it does not, the halves go apart",
      "  after several: each document apart",
      'missed: read { _id: { $in: ids }, "_pull.token": { $in: tokens }, status: "processing" } outside: all others are lost',
    ],
    reason: "One document with a key that exists already must not keep others from being processed.",
    without: "a refusal is a failure of all documents in the transaction",
    code: [["agent/store/effects/effect_writer.ts", "EffectWriter"]],
  },
  conflictIsNoFailure: {
    title: "a conflict is no failure",
    rule:
      "A transaction that a write conflict, the server or a lost answer ends before its commit is run again after a wait. " +
      "It costs no document an attempt.",
    exactly: [
      "TransientTransactionError (112, 251, network): the same documents in a new transaction, after 50 ms and more",
      "the third time: the halves apart, and so on; a document that conflicts alone waits apart for two seconds",
    ],
    reason:
      "A user's own writes to the same documents may win many times, and no processor has failed by that.",
    without: "it is a failure of all documents in it",
    code: [["agent/store/effects/effect_writer.ts", "CONFLICT_RETRY"]],
  },
} as const satisfies Record<string, Rule>;

/** How a document is put off. */
export const SNOOZES = {
  snoozeRefunds: {
    title: "a snooze gives the attempt back",
    rule:
      "A snooze is a release with a time to wait for: it gives the attempt back, and `_pull.snoozes` counts it in the same " +
      "write.",
    exactly: [
      'filter: { _id, "_pull.token": token, status: "processing" }',
      '$set: { status: "pending", "_pull.visible_at": <server time + snoozeMs> }',
      '$inc: { "_pull.attempts": -1, "_pull.snoozes": 1 }',
      '$unset: { "_pull.token": "", "_pull.owner": "" }',
    ],
    reason: "A document that waits for something else has not failed, however often it looks.",
    without: "a snooze leaves the attempts as they are",
    code: [["agent/store/outcomes/snooze.ts", "snooze"], ["agent/store/back_to_pending.ts", "backToPending"]],
  },
  snoozeKeepsSuspicion: {
    title: "a snooze keeps the suspicion",
    rule: "A snooze leaves `_pull.takeovers` as it is and takes its mark back, as a release does.",
    exactly: [
      'of a suspect also $set: { "_pull.alone": <as it was claimed> }',
    ],
    reason:
      "A nack clears the suspicion at the price of an attempt. A snooze costs nothing: a document that ends the process " +
      "now and then and snoozes in between would never come to an end.",
    without: "a snooze clears the suspicion, as a nack does",
    code: [["agent/store/outcomes/snooze.ts", "snooze"], [
      "agent/store/outcomes/end_of_lease.ts",
      "markAsClaimed",
    ]],
  },
  claimAsksDue: {
    title: "a claim asks again for the time",
    rule: "The write of a claim asks, as its query does, that the document is due by the server's clock.",
    reason:
      "Between query and write another agent may have claimed and snoozed the document. It matches the query again in " +
      "all but its time.",
    without: "only the query asks for it",
    code: [["agent/store/queries.ts", "DUE"], ["agent/store/claims/claim_writer.ts", "markClaimed"]],
  },
} as const satisfies Record<string, Rule>;

/** How a run leaves a checkpoint for the next. */
export const CHECKPOINTS = {
  checkpointFenced: {
    title: "a checkpoint is a write of the holder",
    rule:
      "A checkpoint is written with a renewal of its lease, by the filter of each holder's write. If that does not match, the " +
      "lease is lost. A checkpoint belongs to its lease: a handler that goes on after the lease was lost writes none.",
    exactly: [
      'filter: { _id, "_pull.token": token, status: "processing" }',
      '$max: { "_pull.visible_at": <expiry>, "_pull.saved": { n, data } }',
    ],
    reason: "The checkpoint of an agent that was frozen must not replace that of the agent that goes on.",
    without: "the filter names `_id` and status",
    code: [["agent/store/lease_writes.ts", "Renewal"], [
      "agent/handling/handler_context.ts",
      "HandlerContext",
    ]],
  },
  checkpointOrder: {
    title: "a checkpoint replaces none that is newer",
    rule:
      "Checkpoints of a document have a number, which each one adds 1 to, also in the next run. A write of a checkpoint, " +
      "alone or with an outcome, leaves one that has a greater number.",
    exactly: [
      "n = (the number of the checkpoint that the run got, or 0) + 1, + 2 ...",
      "$max compares embedded documents field by field: n has to be the first",
    ],
    reason:
      "A write that was given up may arrive after the one that followed it, and both carry the same token. So may the " +
      "release of a handler that goes on after a forced stop. The filter stays that of the holder: no match always means " +
      "that the lease is lost.",
    without: "a checkpoint replaces each other of the same holder",
    code: [["agent/leases/run_checkpoints.ts", "RunCheckpoints"], [
      "agent/store/outcomes/carried_checkpoints.ts",
      "withCheckpoint",
    ]],
  },
  checkpointCarried: {
    title: "what ends a run brings its checkpoint",
    rule:
      "A nack, a release or a snooze also writes the last checkpoint of the run, unless a write of it was answered.",
    exactly: [
      'nack, release, snooze of such a document: one updateOne, with $max: { "_pull.saved": { n, data } } beside the rest',
      "refused, for example because the document is too large: once more without it",
    ],
    reason: "The lease ends, and with it the next renewal. A drain would lose the work since the last one.",
    without: "a checkpoint that waits for its renewal is dropped",
    code: [["agent/store/outcomes/carried_checkpoints.ts", "carryCheckpoints"]],
  },
  checkpointReadBack: {
    title: "a run gets the checkpoint that its claim found",
    rule: "The checkpoint that a run gets is read after the claim, by its token.",
    reason:
      "Between query and claim another agent may have run the document and have left a newer checkpoint. It costs nothing: " +
      "a document with bookkeeping is read back anyway.",
    without: "it is the one that was read with the candidate",
    code: [["agent/store/claims/candidates.ts", "asRead"], [
      "agent/store/documents/raw_document.ts",
      "saved",
    ]],
  },
  ackDropsCheckpoint: {
    title: "an ack removes the checkpoint",
    rule: "The ack removes the checkpoint with the rest of the bookkeeping.",
    reason: "No run needs it any more, and it may be as large as the document.",
    without: "the checkpoint stays",
    code: [["agent/store/outcomes/ack_nack_release.ts", "processed"]],
  },
  redriveDropsCheckpoint: {
    title: "a redrive removes the checkpoint",
    rule:
      "A failed document keeps its checkpoint, which tells how far it came. The write that redrives it removes it.",
    exactly: [
      '$unset: { "_pull.saved": "", "_pull.snoozes": "" } beside what a redrive writes',
    ],
    reason:
      "The checkpoint may be what its runs failed of. A document that starts over starts at its beginning.",
    without: "a redrive leaves the checkpoint",
    code: [["agent/store/dead_letters/letters_for_commands.ts", "STARTS_OVER"]],
  },
} as const satisfies Record<string, Rule>;
