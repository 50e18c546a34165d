import { RefusedWritesError, UnansweredWritesError } from "../../partial_writes.ts";
import type { LeasedDocument, Settlement } from "../../ports.ts";

/** What became of writes on documents that we hold. */
export interface Written extends Settlement {
  /** Those that the database refused, and why. */
  readonly refused: ReadonlyMap<LeasedDocument, unknown>;
  /** Those whose write has no answer, or could not be made. */
  readonly unanswered?: Unanswered | undefined;
}

/** Writes that have failed, and what the first of them threw. */
export interface Unanswered {
  readonly documents: readonly LeasedDocument[];
  readonly cause: unknown;
  /** All of them because the documents are locked, while others could be written. */
  readonly isLocked: boolean;
}

/** Both of them; the failure that is no lock is told. */
export function join(one: Unanswered | undefined, other: Unanswered | undefined): Unanswered | undefined {
  if (!one || !other) return one ?? other;
  return {
    documents: [...one.documents, ...other.documents],
    cause: one.isLocked ? other.cause : one.cause,
    isLocked: one.isLocked && other.isLocked,
  };
}

/** Several writes as if they were one. */
export function together(written: readonly Written[], unanswered?: Unanswered): Written {
  return {
    matched: written.reduce((sum, { matched }) => sum + matched, 0),
    missed: written.flatMap(({ missed }) => missed),
    refused: new Map(written.flatMap(({ refused }) => [...refused])),
    unanswered: written.reduce((all, each) => join(all, each.unanswered), unanswered),
  };
}

/**
 * What several writes have made of `documents`.
 *
 * @throws {RefusedWritesError} If the database refused some, by their position among `documents`.
 * @throws {UnansweredWritesError} If some have failed and others have not. The ones that were refused are sent again, too.
 * @throws What the first failed write threw, if it was no lock and no other has written or missed a document.
 */
export function settlementOf(
  written: readonly Written[],
  documents: readonly LeasedDocument[],
  unanswered?: Unanswered,
): Settlement {
  const matched = written.reduce((sum, each) => sum + each.matched, 0);
  const missed = written.flatMap((each) => each.missed);
  const refused = written.flatMap((each) => [...each.refused]);
  if (unanswered) {
    const { cause, isLocked } = unanswered;
    if (matched === 0 && missed.length === 0 && !isLocked) throw cause;
    const open = new Set([...unanswered.documents, ...refused.map(([document]) => document)]);
    const positions = documents.flatMap((document, position) => open.has(document) ? [position] : []);
    throw new UnansweredWritesError(new Set(positions), { matched, missed }, cause, {
      isApart: isLocked,
    });
  }
  if (refused.length === 0) return { matched, missed };
  const positions = refused.map(([document, why]) => [documents.indexOf(document), why] as const);
  throw new RefusedWritesError(new Map(positions), { matched, missed });
}
