import type { Collection, Document } from "mongodb";
import { writeGroup } from "./outcomes/group_write.ts";
import { settlementOf } from "./outcomes/written.ts";
import { idKey } from "./documents/id_key.ts";
import type { LeasedDocument } from "../ports.ts";
import { leasedBy } from "./queries.ts";
import { byToken, runLimited } from "./outcomes/run_limited.ts";
import type { StoreContext } from "./store_context.ts";

/**
 * Notes that a suspect's handler starts with nothing else in flight; returns 0 if the lease is over. The number is set,
 * not incremented, so that a write whose answer was lost can be sent again.
 */
export async function markRunningAlone(
  document: LeasedDocument,
  { collection }: StoreContext,
): Promise<number> {
  const live = { $expr: { $gt: ["$_pull.visible_at", "$$NOW"] } };
  const { matchedCount } = await collection.updateOne(
    { ...leasedBy([document.id], document.token), ...live },
    {
      $set: { "_pull.alone": (document.suspect?.expiriesAlone ?? 0) + 1 },
    },
    { hint: { _id: 1 } },
  );
  return matchedCount;
}

/**
 * Renews leases; returns the documents whose lease this agent has lost.
 *
 * @throws {RefusedWritesError} If the database refused some, whose leases run out, and no lease is lost.
 * @throws {UnansweredWritesError} If some have no answer, or are locked, and no lease is lost.
 */
export async function renew(
  documents: readonly LeasedDocument[],
  options: StoreContext,
): Promise<LeasedDocument[]> {
  const { clock, collection, leaseMs, maxTimeMS, serverClock } = options;
  const lost: LeasedDocument[] = [];
  const renewOne = async (token: string, group: readonly LeasedDocument[]) => {
    const sentAtMs = clock.monotonicMs();
    // Never shortened: a renewal that was given up may arrive after the one that followed it.
    const until = serverClock.now(leaseMs);
    const renewed = { $max: { "_pull.visible_at": until } };
    const reached = { "_pull.token": token, "_pull.visible_at": { $gte: until } };
    const written = await writeGroup(group, renewed, { ...options, reached });
    const open = new Set([...written.refused.keys(), ...written.unanswered?.documents ?? []]);
    const taken = group.filter((document) => !open.has(document));
    const ours = leasedBy(taken.map(({ id }) => id), token);
    const gone = written.matched === taken.length ? [] : await notAmong(taken, collection, ours, maxTimeMS);
    for (const document of taken) if (!gone.includes(document)) document.leaseRenewed(sentAtMs);
    lost.push(...gone);
    return written;
  };
  const groups = byToken(documents).map(([token, group]) => ({
    documents: group,
    send: () => renewOne(token, group),
  }));
  const { written, unanswered } = await runLimited(groups);
  // Lost leases are reported first. The others are due again a moment later, and fail again then.
  if (lost.length > 0) return lost;
  settlementOf(written, documents, unanswered);
  return lost;
}

async function notAmong(
  group: readonly LeasedDocument[],
  collection: Collection,
  query: Document,
  maxTimeMS: number,
): Promise<LeasedDocument[]> {
  const found = await collection.find(query, { projection: { _id: 1 }, hint: { _id: 1 }, maxTimeMS })
    .toArray();
  const ours = new Set(found.map(({ _id }) => idKey(_id)));
  return group.filter(({ id }) => !ours.has(idKey(id)));
}
