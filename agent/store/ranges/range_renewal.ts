import type { LeasedDocument } from "../../ports.ts";
import { heldAlike, isInRange, stillHeld } from "../held_by.ts";
import { takeCheckpoints } from "../outcomes/carried_checkpoints.ts";
import type { StoreContext } from "../store_context.ts";
import { giveOwnLeases, leaveRanges } from "./own_leases.ts";
import type { RangeControl } from "./range_control.ts";

/**
 * Renews leases of which some are ranges: their documents get leases of their own. A range is dropped with that, as what is
 * inserted into it must not wait for the slowest of its documents. Only if the database lets a document take no lease, its
 * range is renewed. Returns the documents that this agent has lost.
 *
 * @param renewOthers renews the documents that carry their own leases
 * @throws What the first failed write throws, if no lease is lost.
 */
export async function renewWithRanges(
  documents: readonly LeasedDocument[],
  options: RangeRenewalOptions,
  renewOthers: (documents: readonly LeasedDocument[]) => Promise<readonly LeasedDocument[]>,
): Promise<readonly LeasedDocument[]> {
  if (!documents.some(isInRange)) return await renewOthers(documents);
  const lost: LeasedDocument[] = [];
  const failures: unknown[] = [];
  const attempt = async (renew: () => Promise<readonly LeasedDocument[]>) => {
    try {
      lost.push(...await renew());
    } catch (error) {
      failures.push(error);
    }
  };
  // Those whose write has no answer may have left their range, which only the next one tells.
  const unknown = new Set<LeasedDocument>();
  const renewed = new Set<LeasedDocument>();
  await attempt(() => leave(documents.filter(isInRange), { renewed, unknown }, options));
  const inRange = documents.filter((document) => isInRange(document) && !unknown.has(document));
  for (const group of heldAlike(inRange)) await attempt(() => renewRange(group, options));
  const gone = new Set(lost);
  const others = documents.filter((document) =>
    !isInRange(document) && !gone.has(document) && !renewed.has(document)
  );
  if (others.length > 0) await attempt(() => renewOthers(others));
  if (lost.length === 0 && failures.length > 0) throw failures[0];
  return lost;
}

async function leave(
  documents: readonly LeasedDocument[],
  { renewed, unknown }: { renewed: Set<LeasedDocument>; unknown: Set<LeasedDocument> },
  options: RangeRenewalOptions,
): Promise<readonly LeasedDocument[]> {
  const sentAtMs = options.clock.monotonicMs();
  const { lost, refused, unanswered } = await giveOwnLeases(documents, options);
  for (const document of unanswered?.documents ?? []) unknown.add(document);
  const open = new Set([...lost, ...refused.keys(), ...unknown]);
  for (const document of documents) {
    // Its checkpoint is written by the renewal of its own lease.
    if (open.has(document) || document.checkpoints?.hasUnwritten) continue;
    document.leaseRenewed(sentAtMs);
    renewed.add(document);
  }
  for (const [document, checkpoint] of takeCheckpoints([...refused.keys()])) {
    document.checkpoints?.refused(checkpoint, refused.get(document));
  }
  if (unanswered && lost.length === 0) throw unanswered.cause;
  return lost;
}

async function renewRange(
  group: readonly LeasedDocument[],
  options: RangeRenewalOptions,
): Promise<readonly LeasedDocument[]> {
  const { clock, control, leaseMs, serverClock } = options;
  const sentAtMs = clock.monotonicMs();
  if (!await control.renew(group[0]!.token, serverClock.now(leaseMs))) return group;
  // Another program may have changed or deleted some: their handlers are aborted.
  const held = await stillHeld(group, options);
  for (const document of held) document.leaseRenewed(sentAtMs);
  const lost = group.filter((document) => !held.has(document));
  leaveRanges(lost);
  return lost;
}

/** What renewing ranges needs. */
export interface RangeRenewalOptions extends StoreContext {
  control: RangeControl;
  owner: string;
}
