import type { LeasedDocument } from "../../ports.ts";
import { isInRange } from "../held_by.ts";
import { takeCheckpoints } from "../outcomes/carried_checkpoints.ts";
import { settlementOf } from "../outcomes/written.ts";
import type { StoreContext } from "../store_context.ts";
import { giveOwnLeases } from "./own_leases.ts";

/**
 * Renews leases of which some are those of ranges. No range is renewed: what is still open in one gets leases of its own,
 * and the range is dropped. So a slow document keeps no other agent from what is inserted beside it. If that fails, the
 * range runs out unless the next renewal succeeds. Returns the documents that this agent has lost.
 *
 * @param renewOthers renews the documents that carry their own leases
 * @throws What the first failed write throws, if no lease is lost.
 */
export async function renewWithRanges(
  documents: readonly LeasedDocument[],
  options: StoreContext & { owner: string },
  renewOthers: (documents: readonly LeasedDocument[]) => Promise<readonly LeasedDocument[]>,
): Promise<readonly LeasedDocument[]> {
  const inRange = documents.filter(isInRange);
  if (inRange.length === 0) return await renewOthers(documents);
  const others = documents.filter((document) => !isInRange(document));
  const lost: LeasedDocument[] = [];
  const failures: unknown[] = [];
  const attempt = async (renew: () => Promise<readonly LeasedDocument[]>) => {
    try {
      lost.push(...await renew());
    } catch (error) {
      failures.push(error);
    }
  };
  await attempt(() => leaveRange(inRange, options));
  const gone = new Set(lost);
  // The lease of a document takes its checkpoint along.
  const saving = inRange.filter((document) =>
    !isInRange(document) && !gone.has(document) && document.checkpoints?.hasUnwritten
  );
  if (others.length + saving.length > 0) await attempt(() => renewOthers([...others, ...saving]));
  if (lost.length === 0 && failures.length > 0) throw failures[0];
  return lost;
}

async function leaveRange(
  documents: readonly LeasedDocument[],
  options: StoreContext & { owner: string },
): Promise<readonly LeasedDocument[]> {
  const sentAtMs = options.clock.monotonicMs();
  const { lost, refused, unanswered } = await giveOwnLeases(documents, options);
  const open = new Set([...lost, ...refused.keys(), ...unanswered?.documents ?? []]);
  for (const document of documents) if (!open.has(document)) document.leaseRenewed(sentAtMs);
  for (const [document, checkpoint] of takeCheckpoints([...refused.keys()])) {
    document.checkpoints?.refused(checkpoint, refused.get(document));
  }
  if (lost.length > 0) return lost;
  settlementOf([{ matched: documents.length - open.size, missed: [], refused }], documents, unanswered);
  return [];
}
