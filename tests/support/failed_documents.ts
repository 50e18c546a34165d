import { documentsOf } from "./documents.ts";
import type { TestDatabase } from "./mongod.ts";
import type { AnyDocument } from "./store.ts";

/** When the failed documents became dead letters, unless a test says otherwise. */
export const DEAD_AT = new Date(1e12);

/** A database's documents, with ids of any type. */
export const anyOf = ({ db }: Pick<TestDatabase, "db">) => db.collection<AnyDocument>("documents");
/** The dead letters of a database's documents. */
export const lettersOf = ({ db }: Pick<TestDatabase, "db">) =>
  db.collection<AnyDocument>("documents_dead_letters");
/** Where the documents come from, as their letters have it. */
export const source = ({ name }: Pick<TestDatabase, "name">) => ({ database: name, collection: "documents" });

/** Inserts failed documents with their letters. */
export async function insertFailed(db: TestDatabase, ids: readonly number[]): Promise<void> {
  await documentsOf(db).insertMany(
    ids.map((_id) => ({
      _id,
      status: "failed",
      error: "no",
      _pull: { attempts: 1, dead_at: DEAD_AT } as never,
    })),
  );
  const letter = { attempts: 1, error: "no", source: source(db), dead_at: DEAD_AT };
  await lettersOf(db).insertMany(ids.map((_id) => ({ _id, document: { _id, status: "failed" }, ...letter })));
}

/** Inserts failed documents with any ids, and their letters. */
export async function insertFailedWith(
  db: Pick<TestDatabase, "db" | "name">,
  ids: readonly unknown[],
  error: (at: number) => string,
): Promise<void> {
  await anyOf(db).insertMany(
    ids.map((_id) => ({ _id, status: "failed", _pull: { attempts: 1, dead_at: DEAD_AT } })),
  );
  const letter = { attempts: 1, source: source(db), dead_at: DEAD_AT };
  await lettersOf(db).insertMany(ids.map((_id, at) => ({ _id, ...letter, error: error(at) })));
}
