import type { Details } from "../details.ts";
import type { SettleKind } from "../events.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ack, DocumentStore, Nack, Settlement, Snooze } from "../ports.ts";
import type { Settling } from "./outcome.ts";
import { settleKindOf } from "./settle_kind.ts";

/** What {@linkcode writeOutcomes} needs. */
export interface OutcomeWriteOptions {
  clock: Clock;
  /** Gets how long the write took, if it is wanted. */
  details?: Details | undefined;
  store: DocumentStore;
}

/** Writes documents whose outcomes are all of one kind to the store. Throws what the store throws. */
export async function writeOutcomes(
  batch: readonly Settling[],
  { clock, details, store }: OutcomeWriteOptions,
): Promise<Settlement> {
  const kind = settleKindOf(batch[0]!.outcome);
  if (!details?.isWanted) return await write(kind, batch, store);
  const common = {
    type: "outcomes_written" as const,
    startedAtMs: clock.monotonicMs(),
    kind,
    documents: batch.map(({ held }) => held.document),
  };
  try {
    const settlement = await write(kind, batch, store);
    details.emit(common);
    return settlement;
  } catch (error) {
    details.emit({ ...common, error });
    throw error;
  }
}

function write(kind: SettleKind, batch: readonly Settling[], store: DocumentStore): Promise<Settlement> {
  switch (kind) {
    case "ack":
      return store.ack(acksOf(batch));
    case "ack_with_writes":
      return store.ackWithWrites(acksOf(batch));
    case "nack":
      return store.nack(nacksOf(batch));
    case "release":
      return store.release(batch.map(({ held }) => held.document));
    case "snooze":
      return store.snooze(snoozesOf(batch));
    case "dead_letter":
    case "finish_verdict":
      return writeDeadLetter(batch[0]!, store);
    default:
      return kind satisfies never;
  }
}

function acksOf(batch: readonly Settling[]): Ack[] {
  const acks: Ack[] = [];
  for (const { held: { document }, outcome } of batch) {
    if (outcome.kind === "ack") acks.push({ document, set: outcome.set, writes: outcome.writes });
  }
  return acks;
}

function nacksOf(batch: readonly Settling[]): Nack[] {
  const nacks: Nack[] = [];
  for (const { held: { document }, outcome } of batch) {
    if (outcome.kind !== "nack") continue;
    const { error, delayMs, withoutError = false } = outcome;
    nacks.push({ document, error, delayMs, withoutError });
  }
  return nacks;
}

function snoozesOf(batch: readonly Settling[]): Snooze[] {
  const snoozes: Snooze[] = [];
  for (const { held: { document }, outcome } of batch) {
    if (outcome.kind === "snooze") snoozes.push({ document, snoozeMs: outcome.snoozeMs });
  }
  return snoozes;
}

/** A dead letter takes three writes in order: one document at a time. */
async function writeDeadLetter(
  { held: { document }, outcome }: Settling,
  store: DocumentStore,
): Promise<Settlement> {
  const matched = outcome.kind === "dead_letter"
    ? await store.deadLetter(document, outcome.error)
    : await store.finishVerdict(document);
  return { matched, missed: matched === 0 ? [document] : [] };
}
