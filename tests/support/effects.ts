import type { Document } from "mongodb";
import type { Ack, EffectWrite, LeasedDocument } from "../../agent/ports.ts";
import type { TestDatabase } from "./mongod.ts";
import type { RecordedCommand } from "./tcp_proxy.ts";

/** The collection that the processors of these tests write to. */
export const TARGET = "invoices";

/** A write that inserts a document which names the one that asks for it. */
export function invoiceFor(order: unknown, fields: Document = {}): EffectWrite {
  return { collection: TARGET, insertOne: { order, ...fields } };
}

/** An ack of each document with such a write. */
export function acksOf(documents: readonly LeasedDocument[]): Ack[] {
  return documents.map((document) => ({ document, writes: [invoiceFor(document.id)] }));
}

/** What the documents of {@linkcode TARGET} name, in order. */
export async function invoiced(database: TestDatabase): Promise<unknown[]> {
  const found = await database.db.collection(TARGET).find().sort({ order: 1 }).toArray();
  return found.map(({ order }) => order);
}

/** How many transactions were begun, and how many commits were sent. */
export function transactionsIn(recorded: readonly RecordedCommand[]): { begun: number; commits: number } {
  return {
    begun: recorded.filter(({ body }) => body.startTransaction === true).length,
    commits: recorded.filter(({ command }) => command === "commitTransaction").length,
  };
}
