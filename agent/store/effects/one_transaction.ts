import { type AnyBulkWriteOperation, type Document, MongoBulkWriteError } from "mongodb";
import { RefusedEffectError } from "../../partial_writes.ts";
import type { Ack, LeasedDocument } from "../../ports.ts";
import { isForbidden, isOutOfTime, isRefused, isTransient } from "../mongo_errors.ts";
import { processed } from "../outcomes/ack_nack_release.ts";
import { heldAlike, heldBy } from "../held_by.ts";
import { describeWrite, type EffectRun, effectRuns } from "./effect_runs.ts";
import { isConflict, NoTransactionsError } from "./transaction_errors.ts";
import type { Transaction } from "./transactions.ts";

/**
 * How a transaction has ended:
 *
 * - `committed`: all is written;
 * - `missed`: nothing is, as acks did not match;
 * - `refused`: nothing is, as the write of a document was refused; `ack` is undefined if it is not known whose;
 * - `conflict`: nothing is, because of other programs;
 * - `late`: nothing is, as the server had no time for all of it;
 * - `forbidden`: nothing is, as the agent may not write to the `collection`;
 * - `unknown`: it is not known whether it is written;
 * - `failed`: nothing is, for a reason that concerns all documents.
 */
export type Ending =
  | { readonly kind: "committed" | "missed" }
  | { readonly kind: "refused"; readonly ack: Ack | undefined; readonly error: unknown }
  | { readonly kind: "conflict" | "late" | "unknown" | "failed"; readonly error: unknown }
  | { readonly kind: "forbidden"; readonly collection: string; readonly error: unknown };

/**
 * Makes the acks and then the writes of `acks` in a transaction, and commits it. The acks come first: one that matches
 * keeps its document from all others until the end, and one that does not shows that the writes are made already, or are
 * another agent's. Never throws.
 */
export async function endTransaction(
  transaction: Transaction,
  acks: readonly Ack[],
  source: string,
): Promise<Ending> {
  const ending = await makeAll(transaction, acks, source);
  if (ending) {
    // The driver tells of no abort that fails, and after such an error it would.
    if (ending.kind === "failed") transaction.leave();
    else await transaction.abort();
    return ending;
  }
  try {
    await transaction.commit();
    return { kind: "committed" };
  } catch (error) {
    transaction.leave();
    return { kind: "unknown", error };
  }
}

/** Undefined if all are made. */
async function makeAll(
  transaction: Transaction,
  acks: readonly Ack[],
  source: string,
): Promise<Ending | undefined> {
  const marks = marksOf(acks);
  try {
    const { matchedCount } = await transaction.bulkWrite(source, marks.map(({ operation }) => operation));
    if (matchedCount < acks.length) return { kind: "missed" };
  } catch (error) {
    const ofMark = marks[positionOf(error) ?? -1]?.acks ?? acks;
    return afterError(error, ofMark.length === 1 ? ofMark[0] : undefined, refusalOf(error));
  }
  for (const run of effectRuns(acks, source)) {
    try {
      await transaction.bulkWrite(run.collection, run.operations);
    } catch (error) {
      if (isForbidden(error)) return { kind: "forbidden", collection: run.collection, error };
      return afterError(error, ...culpritOf(error, run));
    }
  }
  return undefined;
}

/** The marks that documents are processed: one write for all that are alike, and one for each whose fields are set. */
function marksOf(acks: readonly Ack[]): { operation: AnyBulkWriteOperation; acks: readonly Ack[] }[] {
  const byDocument = new Map(acks.map((ack) => [ack.document, ack]));
  const plain = acks.filter(({ set }) => set === undefined).map(({ document }) => document);
  const groups = heldAlike(plain).flatMap((documents) =>
    [...Map.groupBy(documents, ({ attempt }) => attempt)].map(([attempt, alike]) => ({
      operation: {
        updateMany: {
          filter: heldBy(alike),
          update: processed(attempt),
          hint: { _id: 1 },
        },
      },
      acks: alike.map((document: LeasedDocument) => byDocument.get(document)!),
    }))
  );
  const single = acks.filter(({ set }) => set !== undefined).map((ack) => ({
    operation: {
      updateOne: {
        filter: heldBy([ack.document]),
        update: processed(ack.document.attempt, ack.set) as Document,
      },
    },
    acks: [ack],
  }));
  return [...groups, ...single];
}

function afterError(error: unknown, ack: Ack | undefined, refusal: unknown): Ending {
  if (isConflict(error)) return { kind: "conflict", error };
  if (isOutOfTime(error)) return { kind: "late", error };
  if (error instanceof NoTransactionsError || isTransient(error) || !isRefused(error)) {
    return { kind: "failed", error };
  }
  return { kind: "refused", ack, error: refusal };
}

/** Whose write was refused, and the error that names it. */
function culpritOf(error: unknown, { collection, origins }: EffectRun): [Ack | undefined, unknown] {
  const origin = origins[positionOf(error) ?? (origins.length === 1 ? 0 : -1)];
  const refusal = refusalOf(error);
  if (origin) return [origin.ack, new RefusedEffectError(describeWrite(origin), refusal)];
  const owners = new Set(origins.map(({ ack }) => ack));
  const what = `one of ${origins.length} writes in ${collection}`;
  return [owners.size === 1 ? origins[0]!.ack : undefined, new RefusedEffectError(what, refusal)];
}

/** The position of the write that a bulk write ended with. */
function positionOf(error: unknown): number | undefined {
  return firstWriteError(error)?.index;
}

/** The error of that write; the error itself if no write is known to be the reason. */
function refusalOf(error: unknown): unknown {
  return firstWriteError(error) ?? error;
}

function firstWriteError(error: unknown) {
  return error instanceof MongoBulkWriteError ? [error.writeErrors].flat()[0] : undefined;
}
