import type { DocumentStore, Settlement } from "../ports.ts";
import type { Outcome, Settling } from "./outcome.ts";

/** Hands documents whose outcomes are all of one kind to the store. Throws what the store throws. */
export function writeOutcomes(batch: readonly Settling[], store: DocumentStore): Promise<Settlement> {
  const documents = batch.map(({ held }) => held.document);
  const { kind } = batch[0]!.outcome;
  switch (kind) {
    case "ack":
      return store.ack(ofKind(kind, batch).map(({ set }, at) => ({ document: documents[at]!, set })));
    case "nack":
      return store.nack(ofKind(kind, batch).map((outcome, at) => ({ document: documents[at]!, ...outcome })));
    case "release":
      return store.release(documents);
    case "dead_letter":
    case "finish_verdict":
      return writeDeadLetter(batch[0]!, store);
    default:
      return kind satisfies never;
  }
}

/** Three writes in order each: one document at a time. */
async function writeDeadLetter(
  { held: { document }, outcome }: Settling,
  store: DocumentStore,
): Promise<Settlement> {
  const matched = outcome.kind === "dead_letter"
    ? await store.deadLetter(document, outcome.error)
    : await store.finishVerdict(document);
  return { matched, missed: matched === 0 ? [document] : [] };
}

function ofKind<K extends Outcome["kind"]>(
  _kind: K,
  batch: readonly Settling[],
): Extract<Outcome, { kind: K }>[] {
  return batch.map(({ outcome }) => outcome as Extract<Outcome, { kind: K }>);
}
