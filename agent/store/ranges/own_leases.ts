import type { Document, UpdateFilter } from "mongodb";
import type { LeasedDocument } from "../../ports.ts";
import { MongoLeasedDocument } from "../documents/leased_document.ts";
import { heldAlike, isInRange, stillHeld } from "../held_by.ts";
import { writeGroup } from "../outcomes/group_write.ts";
import { runLimited } from "../outcomes/run_limited.ts";
import type { Unanswered } from "../outcomes/written.ts";
import type { StoreContext } from "../store_context.ts";

/** What became of documents that were to get leases of their own. */
export interface OwnLeases {
  /** Those that this agent does not hold any more. */
  readonly lost: readonly LeasedDocument[];
  /** Those that the database refused, which stay in their range, and why. */
  readonly refused: ReadonlyMap<LeasedDocument, unknown>;
  readonly unanswered: Unanswered | undefined;
}

/**
 * Gives documents of ranges a lease of their own, with the token of their range: from then on they are held as if they
 * had been claimed one by one. What writes on a document before its outcome needs that. Throws what the driver throws, if
 * it is not known what became of them.
 */
export async function giveOwnLeases(
  documents: readonly LeasedDocument[],
  options: StoreContext & { owner: string },
): Promise<OwnLeases> {
  const { leaseMs, owner, serverClock } = options;
  const inRange = documents.filter(isInRange);
  const { unanswered, written } = await runLimited(
    heldAlike(inRange).map((group) => {
      const { attempt, token } = group[0]!;
      const update: UpdateFilter<Document> = {
        $set: {
          status: "processing",
          "_pull.token": token,
          "_pull.owner": owner,
          "_pull.attempts": attempt,
          // Tells the lease from that of an agent in document mode.
          "_pull.takeovers": 0,
        },
        // Never shortened: a write without an answer may be applied after a renewal of the lease.
        $max: { "_pull.visible_at": serverClock.now(leaseMs) },
      };
      const done = { status: "processing", "_pull.token": token };
      return { documents: group, send: () => writeGroup(group, update, { ...options, done }) };
    }),
  );
  const refused = new Map(written.flatMap((each) => [...each.refused]));
  const open = new Set([...refused.keys(), ...unanswered?.documents ?? []]);
  const answered = inRange.filter((document) => !open.has(document));
  leaveRanges(answered);
  // An earlier write of the same may have been applied without an answer: only a look tells.
  const matched = written.reduce((sum, each) => sum + each.matched, 0);
  const held = matched === answered.length ? new Set(answered) : await stillHeld(answered, options);
  return { lost: answered.filter((document) => !held.has(document)), refused, unanswered };
}

/** Takes note that documents are not new any more: a write on each was answered. */
export function leaveRanges(documents: readonly LeasedDocument[]): void {
  for (const document of documents) if (document instanceof MongoLeasedDocument) document.leftRange();
}
