import type { ClientSession } from "mongodb";
import type { TestDatabase } from "./mongod.ts";
import { COLLECTION } from "./store.ts";

/** A transaction of another program, which keeps documents locked until it ends; `await using` aborts it. */
export class OpenTransaction implements AsyncDisposable {
  readonly #session: ClientSession;

  private constructor(database: TestDatabase) {
    this.#session = database.client.startSession();
    this.#session.startTransaction();
  }

  /** Opens one that has changed the documents of these ids. */
  static async on(
    database: TestDatabase,
    ids: readonly unknown[],
    collection = COLLECTION,
  ): Promise<OpenTransaction> {
    const transaction = new OpenTransaction(database);
    const session = transaction.#session;
    const query = { _id: { $in: ids as never[] } };
    await database.db.collection(collection).updateMany(query, { $set: { theirs: true } }, { session });
    return transaction;
  }

  async commit(): Promise<void> {
    await this.#session.commitTransaction();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.endSession();
  }
}
