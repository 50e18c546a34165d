import { command } from "./command.ts";

/** Sets documents back to pending. */
export const requeueCommand = command({
  name: "requeue",
  doc:
    "Set documents back to pending, due now: failed, processed, canceled or stuck ones, or retries that wait.",
  also: ["retry", "replay", "rerun", "redrive", "reset"],
  options: {
    id: { value: "ID", isRepeatable: true, doc: "Select the document with this id, of any status." },
    filter: {
      value: "JSON",
      doc: "Select failed and canceled documents that match this query; others if it names a status.",
    },
    failed: { doc: "Select all failed documents." },
    "processed-since": {
      value: "TIME",
      doc: "Select the documents processed since this date (2026-03-04T05:06:07Z), or so long ago (2h).",
    },
    before: {
      value: "TIME",
      doc: "Leave out what was processed or canceled or failed since: to go on with an interrupted requeue.",
    },
    rate: { value: "N", isCount: true, doc: "Set back at most N documents a second." },
    limit: {
      value: "N",
      isCount: true,
      doc: "Set back at most N documents. More than 1000 are set back only with it.",
    },
    "dry-run": { doc: "Report what would be done, and change nothing." },
  },
  oneOf: ["id", "filter", "failed", "processed-since"],
  needsOne: true,
  async run({ flags, options: { id, filter, "processed-since": since, before, rate, limit } }, env) {
    const { requeue } = await import("./requeue_work.ts");
    return await requeue({
      ids: id,
      filter: filter?.[0],
      isFailed: flags.includes("failed"),
      processedSince: since?.[0],
      before: before?.[0],
      perSecond: rate && Number(rate[0]),
      limit: limit && Number(limit[0]),
      isDry: flags.includes("dry-run"),
    }, env);
  },
});
