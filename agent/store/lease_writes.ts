import type { Document, Filter, UpdateFilter } from "mongodb";
import { type Carried, takeCheckpoints, withCheckpoint } from "./outcomes/carried_checkpoints.ts";
import { writeEach, writeGroup } from "./outcomes/group_write.ts";
import { join, settlementOf, type Written } from "./outcomes/written.ts";
import { idKey } from "./documents/id_key.ts";
import type { LeasedDocument } from "../ports.ts";
import { heldAlike, stillHeld } from "./held_by.ts";
import { leasedBy } from "./queries.ts";
import { type GroupWrite, runLimited } from "./outcomes/run_limited.ts";
import type { StoreContext } from "./store_context.ts";

/** If the condition on the lease names a time, the write may arrive this part of a lease late. */
const LATE_SHARE = 0.5;

/**
 * Notes that a suspect's handler starts with nothing else in flight; returns 0 if the lease is over. The number is set,
 * not incremented, so that a write whose answer was lost can be sent again.
 */
export async function markRunningAlone(
  document: LeasedDocument,
  { collection, leaseMs, server }: StoreContext,
): Promise<number> {
  const time = await server.latestTime(leaseMs * LATE_SHARE);
  const live = { $expr: { $gt: ["$_pull.visible_at", time] } };
  const { matchedCount } = await collection.updateOne(
    { ...leasedBy([document.id], document.token), ...live },
    {
      $set: { "_pull.alone": (document.suspect?.expiriesAlone ?? 0) + 1 },
    },
    { hint: { _id: 1 } },
  );
  return matchedCount;
}

/** The documents that an operator has canceled, by one read of their ids. */
export async function canceled(
  documents: readonly LeasedDocument[],
  { collection, maxTimeMS }: StoreContext,
): Promise<LeasedDocument[]> {
  const query = { _id: { $in: documents.map(({ id }) => id) as never[] }, status: "canceled" };
  const found = await collection.find(query, { projection: { _id: 1 }, hint: { _id: 1 }, maxTimeMS })
    .toArray();
  const ids = new Set(found.map(({ _id }) => idKey(_id)));
  return documents.filter(({ id }) => ids.has(idKey(id)));
}

/**
 * Renews leases, with the last checkpoints of their documents; returns the documents whose lease this agent has lost.
 *
 * @throws {RefusedWritesError} If the database refused some, whose leases run out, and no lease is lost.
 * @throws {UnansweredWritesError} If some have no answer, or are locked, and no lease is lost.
 */
export async function renew(
  documents: readonly LeasedDocument[],
  options: StoreContext,
): Promise<LeasedDocument[]> {
  const renewal = new Renewal(options);
  const carried = takeCheckpoints(documents);
  const saving = [...carried.keys()];
  const groups = renewal.groups(documents.filter((document) => !carried.has(document)));
  const refused: LeasedDocument[] = [];
  if (saving.length > 0) {
    groups.push({ documents: saving, send: () => renewal.save(carried, refused) });
  }
  const first = await runLimited(groups);
  // A checkpoint that the database refuses must not cost the lease.
  const second = await runLimited(renewal.groups(refused));
  const { lost } = renewal;
  // Lost leases are reported first. The others are due again a moment later, and fail again then.
  if (lost.length > 0) return lost;
  const written = [...first.written, ...second.written];
  settlementOf(written, documents, join(first.unanswered, second.unanswered));
  return lost;
}

class Renewal {
  readonly lost: LeasedDocument[] = [];
  readonly #options: StoreContext;

  constructor(options: StoreContext) {
    this.#options = options;
  }

  /** A write for the documents of each claim. */
  groups(documents: readonly LeasedDocument[]): GroupWrite[] {
    return heldAlike(documents).map((group) => ({ documents: group, send: () => this.#renew(group) }));
  }

  async #renew(group: readonly LeasedDocument[]): Promise<Written> {
    const { clock, serverClock, leaseMs } = this.#options;
    const sentAtMs = clock.monotonicMs();
    // Never shortened: a renewal that was given up may arrive after the one that followed it.
    const until = serverClock.now(leaseMs);
    const reached = { "_pull.token": group[0]!.token, "_pull.visible_at": { $gte: until } };
    const written = await writeGroup(group, renewed(until), { ...this.#options, reached });
    await this.#taken(group, written, sentAtMs);
    return written;
  }

  /** Renews documents each with its checkpoint, by one bulk. Those whose checkpoint is refused go into `refused`. */
  async save(carried: Carried, refused: LeasedDocument[]): Promise<Written> {
    const { clock, serverClock, leaseMs } = this.#options;
    const sentAtMs = clock.monotonicMs();
    const until = serverClock.now(leaseMs);
    const writes = [...carried].map(([document, checkpoint]) => ({
      document,
      update: withCheckpoint(renewed(until), checkpoint),
    }));
    const reached = {
      $or: [...carried].map(([{ id, token }, { n }]) => ({
        _id: { $eq: id },
        "_pull.token": token,
        "_pull.saved.n": { $gte: n },
      })),
    } as Filter<Document>;
    const written = await writeEach(writes, { ...this.#options, reached });
    const saved = await this.#taken([...carried.keys()], written, sentAtMs);
    for (const document of saved) document.checkpoints?.written(carried.get(document)!);
    for (const [document, why] of written.refused) {
      document.checkpoints?.refused(carried.get(document)!, why);
      refused.push(document);
    }
    return { ...written, refused: new Map() };
  }

  /** Sorts what a renewal has sent; returns the documents whose lease stands. */
  async #taken(
    sent: readonly LeasedDocument[],
    { matched, refused, unanswered }: Written,
    sentAtMs: number,
  ): Promise<LeasedDocument[]> {
    const open = new Set([...refused.keys(), ...unanswered?.documents ?? []]);
    const taken = sent.filter((document) => !open.has(document));
    const held = matched === taken.length ? new Set(taken) : await stillHeld(taken, this.#options);
    const kept = taken.filter((document) => held.has(document));
    for (const document of kept) document.leaseRenewed(sentAtMs);
    this.lost.push(...taken.filter((document) => !held.has(document)));
    return kept;
  }
}

function renewed(until: Date): UpdateFilter<Document> {
  return { $max: { "_pull.visible_at": until } };
}
