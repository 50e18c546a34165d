import type { Events, SettleKind } from "../events.ts";
import type { LeasedDocument, Settlement } from "../ports.ts";
import type { Batched } from "./batcher.ts";
import { failureOf, type Settling } from "./outcome.ts";
import { isAck } from "./settle_kind.ts";

/** How many documents a settler has settled. */
export interface SettledCounts {
  /** Those whose run is over: processed, failed, put off, or a dead letter. */
  finished: number;
  /** Those that were released with their attempt. */
  released: number;
  /** Those that take no outcome: their leases run out. */
  abandoned: number;
}

/** Which documents of a write are written, as far as it is known. */
export interface Sorted {
  /** Those that are written for certain. */
  readonly written: readonly Settling[];
  /**
   * Those that are not written. If it is not known which, all that may not be: then there are more than `unmatched`.
   */
  readonly others: readonly Batched<Settling>[];
  /** How many are not written. */
  readonly unmatched: number;
}

/** Sorts the documents of a write by what became of them. */
export function sortBatch(
  batch: readonly Batched<Settling>[],
  { matched, missed }: Settlement,
): Sorted {
  if (missed.length === 0) {
    return { written: batch.map(({ item }) => item), others: [], unmatched: batch.length - matched };
  }
  const isMissed = new Set<LeasedDocument>(missed);
  const written = batch.filter(({ item }) => !isMissed.has(item.held.document)).map(({ item }) => item);
  const others = batch.filter(({ item }) => isMissed.has(item.held.document));
  return { written, others, unmatched: batch.length - matched };
}

/** Reports, by events, what became of the documents of a write. */
export function reportSettlement(
  kind: SettleKind,
  batch: readonly Batched<Settling>[],
  { written, others, unmatched }: Sorted,
  events: Events,
): void {
  const matched = batch.length - unmatched;
  reportMissed(kind, others, unmatched, events);
  for (const each of written) reportWritten(each, events);
  if (isAck(kind) && matched > 0) events.emit({ type: "processed", documents: matched });
  if (kind === "snooze" && matched > 0) events.emit({ type: "snoozed", documents: matched });
  if (kind === "release" && matched > 0) reportReleased(batch, written, matched, events);
  if (kind === "nack" && others.length > unmatched) {
    events.emit({ type: "retried_among", documents: others.length - unmatched, ids: idsOf(others) });
  }
}

/** Reports documents that a write has missed, or that are among `documents`. */
function reportMissed(
  kind: SettleKind,
  missed: readonly Batched<Settling>[],
  documents: number,
  events: Events,
): void {
  const uncertain = missed.filter((each) => each.uncertain);
  // After a write without an answer, a miss may be our own success. Without one, a miss means that the lease is gone.
  const report = (type: "unconfirmed" | "lease_lost", documents: number, ids: unknown[]) => {
    if (documents > 0) events.emit({ type, documents, ids, during: kind });
  };
  if (missed.length > documents) {
    report(uncertain.length > 0 ? "unconfirmed" : "lease_lost", documents, idsOf(missed));
  } else {
    report("unconfirmed", uncertain.length, idsOf(uncertain));
    const lost = missed.filter((each) => !each.uncertain);
    report("lease_lost", lost.length, idsOf(lost));
  }
}

function reportWritten(settling: Settling, events: Events): void {
  const { held: { document }, outcome } = settling;
  const failure = failureOf(settling);
  const common = { id: document.id, attempt: document.attempt };
  if (outcome.kind === "nack") {
    events.emit({ type: "retried", ...common, error: outcome.error, delayMs: outcome.delayMs });
  } else if (failure !== undefined) {
    events.emit({ type: "dead_lettered", ...common, error: failure });
  }
}

function reportReleased(
  batch: readonly Batched<Settling>[],
  written: readonly Settling[],
  matched: number,
  events: Events,
): void {
  // If it is not known which documents were written, they may be of any kind.
  const candidates = written.length === matched ? written : batch.map(({ item }) => item);
  const countOf = (flag: "wasAborted" | "hadNoRoom" | "wasInDoubt" | "wasSpared") =>
    candidates.filter(({ outcome }) => outcome.kind === "release" && outcome[flag]).length;
  const aborted = Math.min(countOf("wasAborted"), matched);
  const hadNoRoom = Math.min(countOf("hadNoRoom"), matched - aborted);
  const inDoubt = Math.min(countOf("wasInDoubt"), matched - aborted - hadNoRoom);
  const spared = Math.min(countOf("wasSpared"), matched - aborted - hadNoRoom - inDoubt);
  events.emit({
    type: "released",
    documents: matched,
    aborted,
    ...(hadNoRoom > 0 && { hadNoRoom }),
    ...(inDoubt > 0 && { inDoubt }),
    ...(spared > 0 && { spared }),
  });
}

function idsOf(batch: readonly Batched<Settling>[]): unknown[] {
  return batch.map(({ item }) => item.held.document.id);
}
