import type { Rule } from "../rule.ts";

/** What commands of an operator do to documents that are no dead letters, too. */
export const REQUEUES = {
  requeueAsRead: {
    title: "a requeue asks again for what it has read",
    rule:
      "The write of a requeue matches a document only if it still has the status and the verdict that were read, and no " +
      "lease that is live by the server's clock. It removes the token and leaves `_pull.visible_at`, and then the letter " +
      "that was read before is removed. One command may hold many such writes, each with its own filter. If some of " +
      "them match nothing, the documents tell whose letters are stale.",
    exactly: [
      "filter: { _id, $expr: status and verdict as read, no live lease, no verdict on a document that is not failed }",
      '$set: { status: "pending", _pull: { visible_at: <now> } }',
    ],
    reason:
      "A requeue of many documents takes minutes, or hours at a low rate, and agents work meanwhile: what was failed, or " +
      "due, or expired as it was read may be held by an agent by now.",
    without: "the write names `_id` alone",
    code: [["agent/store/requeue/as_found.ts", "asFound"], [
      "agent/store/requeue/documents_to_requeue.ts",
      "requeue",
    ]],
  },
} as const satisfies Record<string, Rule>;

/** How a dead letter is made, and removed. */
export const LETTERS = {
  verdictFirst: {
    title: "verdict, copy, mark",
    rule:
      "A dead letter is three writes: the verdict (`_pull.dead_at`) on the document, the copy, the mark `failed`.",
    reason:
      "No lease protects a write to another collection. The verdict does: from then on the document can only " +
      "become a dead letter.",
    without: "the copy comes first, then the mark",
    code: [["agent/store/dead_letters/dead_letter_maker.ts", "make"]],
  },
  verdictOnce: {
    title: "a verdict is written once",
    rule: "A verdict is written once. An agent that finds one on its document uses that.",
    reason:
      "The time of the verdict identifies the letter. If a verdict that was given up arrived late and replaced it, " +
      "document and letter would no longer match.",
    without: "a verdict replaces an earlier one",
    code: [["agent/store/queries.ts", "UNJUDGED"], [
      "agent/store/dead_letters/dead_letter_maker.ts",
      "writeVerdict",
    ]],
  },
  finishVerdict: {
    title: "a verdict is finished",
    rule: "An agent that claims a document with a verdict writes the copy and the mark. No handler runs.",
    reason:
      "The letter may exist already. If a handler succeeded now, the document would be processed and have a letter.",
    without: "the document is processed again",
    code: [["agent/settling/outcome.ts", "outcomeWithoutRun"], [
      "agent/store/dead_letters/dead_letter_maker.ts",
      "finish",
    ]],
  },
  newerLetterStays: {
    title: "a newer letter stays",
    rule: "A copy replaces an older letter of the document, never a newer one.",
    reason: "A frozen agent makes its copy after the document was redriven and has failed again.",
    without: "a copy replaces each letter",
    code: [["agent/store/dead_letters/letter_writer.ts", "isReplaceable"]],
  },
  redriveByVerdict: {
    title: "a letter is known by its verdict",
    rule:
      "Redrive and removal name the verdict that they have read: the document is set back, and the letter removed, " +
      "only if it still has that verdict.",
    reason: "While a redrive is under way the document may fail again, and its new letter must stay.",
    without: "both name `_id` alone",
    code: [["agent/store/dead_letters/letters_for_commands.ts", "redrive"], [
      "agent/store/dead_letters/letters_for_commands.ts",
      "remove",
    ]],
  },
  documentBeforeLetter: {
    title: "redrive begins with the document",
    rule: "Redrive first sets the document back and then removes the letter.",
    reason:
      "A command may be killed in between. Its document shows that a letter is stale, but a failed document " +
      "without a letter cannot be found again.",
    without: "the letter is removed first",
    code: [["agent/store/dead_letters/letters_for_commands.ts", "redrive"]],
  },
  staleLettersGo: {
    title: "the document is the truth",
    rule:
      "The document is the truth. A letter whose document is gone, is processed or does not carry its verdict is " +
      "stale: it is not listed, and commands that change letters remove it.",
    reason: "A copy may be written late, and a redrive may be killed before it has removed the letter.",
    without: "stale letters stay",
    code: [["agent/store/dead_letters/dead_letter_maker.ts", "removeStale"], [
      "agent/store/dead_letters/letters_for_commands.ts",
      "standing",
    ]],
  },
  datedWhileHeld: {
    title: "a letter without a verdict is dated while the document is held",
    rule:
      "If a document takes no verdict, its letter has the server's time of a read that found the document still " +
      "held. If the read does not find it, no letter is written. The mark matches only if there is still no verdict.",
    reason:
      "The letter comes before the mark. An agent that is frozen in between loses the document, and the letter of " +
      "the next holder must be the newer one.",
    without: "the letter has the time at which it is written",
    code: [["agent/store/dead_letters/dead_letter_maker.ts", "readVerdict"]],
  },
} as const satisfies Record<string, Rule>;
