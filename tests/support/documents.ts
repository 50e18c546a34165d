/**
 * Documents for agents to pull.
 *
 * @module
 */

import type { Collection } from "mongodb";
import type { TestDatabase } from "./mongod.ts";

/** A document as tests look at it. */
export interface TestDocument {
  /** Most tests number their documents; an `_id` may be anything. */
  _id: number;
  status: string;
  _pull?: { attempts?: number; takeovers?: number; token?: string; visible_at?: Date };
  [field: string]: unknown;
}

/** The collection that agents of {@linkcode agentHome} pull from. */
export function documentsOf({ db }: Pick<TestDatabase, "db">): Collection<TestDocument> {
  return db.collection<TestDocument>("documents");
}

/** Inserts pending documents with these ids; returns their collection. */
export async function insertPending(
  db: Pick<TestDatabase, "db">,
  ids: Iterable<unknown>,
): Promise<Collection<TestDocument>> {
  const documents = documentsOf(db);
  const pending = Array.from(ids, (_id) => ({ _id: _id as number, status: "pending" }));
  // Safe on disk: some tests kill the server next.
  await documents.insertMany(pending, { writeConcern: { w: "majority", journal: true } });
  return documents;
}

/** The numbers 1 to `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
