import type { Document, UpdateFilter } from "mongodb";
import type { LeasedDocument, Settlement, Snooze } from "../../ports.ts";
import { backToPending } from "../back_to_pending.ts";
import type { StoreContext } from "../store_context.ts";
import { type Carried, carryCheckpoints, withCheckpoint } from "./carried_checkpoints.ts";
import { LEASE_FIELDS, markAsClaimed, UNLEASED } from "./end_of_lease.ts";
import { writeEach, writeGroup } from "./group_write.ts";
import { withoutAttempt } from "./ack_nack_release.ts";
import { heldAlike } from "../held_by.ts";
import { type GroupWrite, runLimited, writeAlike } from "./run_limited.ts";
import { settlementOf } from "./written.ts";

/**
 * Puts documents off: a release with a time to wait for, which is counted. It sends one grouped write per claim whose
 * documents all wait equally long and have no checkpoint, and one bulk write for the documents of all other claims.
 */
export async function snooze(snoozes: readonly Snooze[], options: StoreContext): Promise<Settlement> {
  const documents = snoozes.map(({ document }) => document);
  const waits = new Map(snoozes.map(({ document, snoozeMs }) => [document, snoozeMs]));
  const { written, unanswered } = await carryCheckpoints(
    documents,
    (sent, carried) => runLimited(writesOf(sent, waits, carried, options)),
  );
  return settlementOf(written, documents, unanswered);
}

function writesOf(
  documents: readonly LeasedDocument[],
  waits: ReadonlyMap<LeasedDocument, number>,
  carried: Carried,
  options: StoreContext,
): GroupWrite[] {
  const isAlike = (group: LeasedDocument[]) =>
    new Set(group.map((document) => waits.get(document))).size === 1 &&
    !group.some((document) => carried.has(document));
  const claims = heldAlike(documents);
  // A document that is the only one of its claim is as well off in the bulk, and costs no write of its own there.
  const alike = claims.filter((group) => group.length > 1 && isAlike(group));
  const grouped = new Set(alike.flat());
  const mixed = documents.filter((document) => !grouped.has(document));
  const writes: GroupWrite[] = alike.map((claim) =>
    writeAlike(claim, (group) => {
      const back = putOff(group[0]!, waits.get(group[0]!)!, options);
      return writeGroup(group, updateOf(group[0]!, back), { ...options, done: { ...back, ...UNLEASED } });
    })
  );
  const send = () => writeMixed(mixed, waits, carried, options);
  if (mixed.length > 0) writes.push({ documents: mixed, send });
  return writes;
}

function writeMixed(
  documents: readonly LeasedDocument[],
  waits: ReadonlyMap<LeasedDocument, number>,
  carried: Carried,
  options: StoreContext,
) {
  const backs = documents.map((document) => putOff(document, waits.get(document)!, options));
  const dueAt = backs.map((back) => back["_pull.visible_at"]);
  const writes = documents.map((document, position) => ({
    document,
    update: withCheckpoint(updateOf(document, backs[position]!), carried.get(document)),
  }));
  const done = { status: "pending", "_pull.visible_at": { $in: dueAt }, ...UNLEASED };
  return writeEach(writes, { ...options, done });
}

/** The fields of a document that is put off. */
function putOff(document: LeasedDocument, snoozeMs: number, { serverClock }: StoreContext): Document {
  return backToPending(serverClock, markAsClaimed(document), snoozeMs);
}

function updateOf(document: LeasedDocument, back: Document): UpdateFilter<Document> {
  const update = withoutAttempt(document, back, { "_pull.snoozes": 1 });
  return { ...update, $unset: LEASE_FIELDS } as UpdateFilter<Document>;
}
