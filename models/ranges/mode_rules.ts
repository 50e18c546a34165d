import type { RangeRule } from "./rule.ts";

/** How agents in document mode and in range mode keep out of each other's way. */
export const MODES = {
  takesMode: {
    number: "R14a",
    title: "new documents are claimed in one mode",
    rule:
      "The control document names the mode of all agents of a collection, and until when. An agent takes the mode, or " +
      "renews it, before it claims new documents: in document mode by an update on its own, in range mode with each swap. " +
      "An agent that meets the other mode claims no new document. Documents with bookkeeping are claimed in either mode.",
    exactly: [
      'document mode: filter { _id: "ranges", ranges: [], mode: "document", or mode_until is past }',
      'update { mode: "document", mode_until: <now + the lease of the mode>, version + 1 if the mode was another }, upsert',
      "in both modes mode_until is written by $max: it is never moved to an earlier time",
      "mode_until is past: for range mode, if longer ago than a claim may run, and 10 s for clocks",
    ],
    reason:
      "A new document in a live range looks like any other one: nothing is written on it. An agent in document mode " +
      "would claim it.",
    without: "an agent in document mode claims new documents at any time",
    code: [["agent/store/ranges/mode_lease.ts", "ModeLease"], [
      "agent/store/ranges/document_mode.ts",
      "DocumentMode",
    ], ["agent/store/ranges/range_mode.ts", "RangeMode"]],
  },
  awaitsRanges: {
    number: "R14b",
    title: "document mode begins without ranges",
    rule:
      "Document mode is taken only if the control document holds no range. A range that ran out is finished first, by " +
      "R11; an agent of either mode does that.",
    reason:
      "The documents of a live range are held. Those of a range that ran out need their bookkeeping, which counts the " +
      "takeover of a poison document.",
    without: "it is taken beside ranges",
    code: [["agent/store/ranges/mode_lease.ts", "#free"]],
  },
  awaitsMode: {
    number: "R14c",
    title: "range mode begins after the lease of document mode",
    rule: "Range mode is taken only if the lease of document mode has run out.",
    reason: "An agent in document mode may claim new documents until then.",
    without: "it is taken while that lease is live",
    code: [["agent/store/ranges/mode_lease.ts", "LATE_MS"]],
  },
  modeAddsToVersion: {
    number: "R14d",
    title: "a new mode adds to the version",
    rule: "The write that changes the mode adds 1 to the version that swaps compare.",
    reason: "An agent in range mode may have read the control document and its ids before that.",
    without: "it leaves the version as it is",
    code: [["agent/store/ranges/mode_lease.ts", "#change"]],
  },
  claimsCarryMode: {
    number: "R14e",
    title: "claims of new documents carry the end of their mode",
    rule:
      "In document mode, a claim of new documents matches only before the lease of the mode runs out, as the agent knows " +
      "it, by the server's clock. That holds for candidates from a query and for those from a change stream.",
    exactly: ["filter: the query for new documents, and { $expr: { $lt: [$$NOW, <mode_until>] } }"],
    reason:
      "An agent that was frozen between its look and its claim does not know that the mode has changed. To look once " +
      "more before the claim does not help: the write itself has to ask.",
    without: "a claim matches whenever it arrives",
    code: [["agent/store/ranges/document_mode.ts", "get condition"], [
      "agent/store/claims/claim_writer.ts",
      "condition",
    ]],
  },
} as const satisfies Record<string, RangeRule>;
