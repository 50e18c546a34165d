import type { NumberedRule } from "../rule.ts";

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
      'update { mode: "document", mode_until: <now + the lease of the mode>, a new version if the mode was another }, upsert',
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
    code: [["agent/store/ranges/mode_lease.ts", "#change"]],
  },
  modeChangesVersion: {
    number: "R14d",
    title: "a new mode has a new version",
    rule: "The write that changes the mode changes the version that swaps compare.",
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
  waitsAfterMaking: {
    number: "R14f",
    title: "a control document that is made anew has no mode for a while",
    rule:
      "An agent that finds no control document, and knows that there was one, makes one without a mode. Until all leases " +
      "that the earlier one may have held are over, no agent takes a mode. It knows by its own mode, and " +
      "by the entries of agents that have claimed. An agent in document mode whose lease is not over makes it in its mode: " +
      "no range can be live then.",
    exactly: ["insert { mode: null, mode_until: <now + the longest lease>, ranges: [] }"],
    reason: "Agents that have the mode, or a range, do not know that the document was removed.",
    without: "it is made with the mode of the agent",
    code: [["agent/store/ranges/mode_lease.ts", "#wasRemoved"]],
  },
  looksForOthers: {
    number: "R14g",
    title: "range mode is not taken from agents that have nothing to do",
    rule:
      "Before an agent takes range mode it looks for agents in document mode that show themselves in the registry of the " +
      "fleet. As long as there are any, it does not take the mode.",
    reason:
      "An agent in document mode takes the mode with a claim. If nothing waits for longer than its lease, an agent that was " +
      "started in the other mode by mistake would keep all others from claiming.",
    without: "it takes the mode when its lease has run out",
    code: [["agent/store/ranges/mode_lease.ts", "#isDocumentModeAlive"]],
  },
  leaseTellsMode: {
    number: "R15",
    title: "a lease tells the mode of its holder",
    rule:
      "Agents that take no part in the modes (earlier versions, `FLEET=off`, no rights) are found by their leases: before an " +
      "agent takes range mode, and then every ten seconds before it renews it, it looks for a live lease without " +
      "`_pull.takeovers`. As long as there is one, it neither takes the mode nor claims new documents. Each claim by document " +
      "of an agent in range mode writes that field, and so do leases of a document's own and marks.",
    exactly: [
      'look: { status: "processing", "_pull.visible_at": { $gt: <now> }, "_pull.takeovers": { $exists: false } }',
    ],
    reason:
      "Agents in range mode claim by document, too: retries, and what was scheduled, released or requeued. They must not " +
      "take each other for agents in document mode. An agent that takes the mode and may not claim would keep all others " +
      "from claiming: so the look comes first.",
    without: "a first claim by document leaves no such field",
    code: [["agent/store/ranges/range_mode.ts", "#other"]],
  },
} as const satisfies Record<string, NumberedRule>;
