import type { AnyBulkWriteOperation, Document } from "mongodb";
import type { Ack, EffectWrite } from "../../ports.ts";

/** Writes of several documents to one collection that one command makes, in their order. */
export interface EffectRun {
  readonly collection: string;
  readonly operations: readonly AnyBulkWriteOperation[];
  /** Of each of these operations: whose it is, and which of the document's writes, from 1 on. */
  readonly origins: readonly Origin[];
}

/** Where a write comes from. */
export interface Origin {
  readonly ack: Ack;
  readonly number: number;
}

type Kind = "insertOne" | "updateOne" | "replaceOne" | "deleteOne";

/** The command that makes a write: a bulk write of several kinds would take several. */
const COMMANDS: Record<Kind, string> = {
  insertOne: "insert",
  updateOne: "update",
  replaceOne: "update",
  deleteOne: "delete",
};

/**
 * The writes of `acks` in as few commands as their order allows: those of one document are made in their order, those of
 * different documents in any. Writes to the collection `source` never touch the document that asks for them.
 */
export function effectRuns(acks: readonly Ack[], source: string): EffectRun[] {
  const runs: EffectRun[] = [];
  const waiting = acks.map((ack) => ({ ack, writes: ack.writes ?? [], at: 0 }));
  for (;;) {
    const first = waiting.find(({ at, writes }) => at < writes.length);
    if (!first) return runs;
    const key = keyOf(first.writes[first.at]!);
    const operations: AnyBulkWriteOperation[] = [];
    const origins: Origin[] = [];
    for (const each of waiting) {
      for (; each.at < each.writes.length && keyOf(each.writes[each.at]!) === key; each.at++) {
        operations.push(operationOf(each.writes[each.at]!, each.ack, source));
        origins.push({ ack: each.ack, number: each.at + 1 });
      }
    }
    runs.push({ collection: first.writes[first.at - 1]!.collection, operations, origins });
  }
}

/** What a write is, for an error text: its place among those of its document, its kind and its collection. */
export function describeWrite({ ack: { writes = [] }, number }: Origin): string {
  const write = writes[number - 1]!;
  const place = writes.length === 1 ? "" : `write ${number} of ${writes.length}, `;
  return `${place}${kindOf(write)} in ${write.collection}`;
}

/** What the writes of a document are, for an error text. */
export function describeWrites(ack: Ack): string {
  const { length = 0 } = ack.writes ?? [];
  return length === 1 ? describeWrite({ ack, number: 1 }) : `${length} writes`;
}

function kindOf(write: EffectWrite): Kind {
  if ("insertOne" in write) return "insertOne";
  if ("updateOne" in write) return "updateOne";
  return "replaceOne" in write ? "replaceOne" : "deleteOne";
}

function keyOf(write: EffectWrite): string {
  return `${COMMANDS[kindOf(write)]} ${write.collection}`;
}

function operationOf(write: EffectWrite, ack: Ack, source: string): AnyBulkWriteOperation {
  const filterOf = (filter: Document) =>
    write.collection === source ? { $and: [filter, { _id: { $ne: ack.document.id as never } }] } : filter;
  if ("insertOne" in write) {
    // The driver gives a document without an `_id` one, on this very object: it is the same if it is inserted again.
    return { insertOne: { document: write.insertOne } };
  }
  if ("updateOne" in write) {
    const { filter, update, upsert } = write.updateOne;
    return { updateOne: { filter: filterOf(filter), update: update as Document, ...(upsert && { upsert }) } };
  }
  if ("replaceOne" in write) {
    const { filter, replacement, upsert } = write.replaceOne;
    return { replaceOne: { filter: filterOf(filter), replacement, ...(upsert && { upsert }) } };
  }
  return { deleteOne: { filter: filterOf(write.deleteOne.filter) } };
}
