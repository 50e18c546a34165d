import type { AnyBulkWriteOperation, BulkWriteResult, ClientSession, MongoClient } from "mongodb";
import type { Clock } from "../../lib/clock.ts";
import type { Link } from "../connection/link.ts";
import { hasNoTransactions, NoTransactionsError, UnknownCommitError } from "./transaction_errors.ts";

/** What {@linkcode Transactions} needs. */
export interface TransactionsOptions {
  link: Pick<Link, "client" | "connect" | "isStandalone" | "run">;
  database: string;
  clock: Clock;
  /** The server works on a command of a transaction for so long at most, in milliseconds. */
  commandMs: number;
}

/**
 * Makes transactions, one after the other, in one session: a new transaction ends the one before it at the server, if
 * that is open still.
 */
export class Transactions {
  readonly #options: TransactionsOptions;
  #session: { readonly client: MongoClient; readonly session: ClientSession } | undefined;

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /**
   * Begins a transaction, with the first command. The one before it has to be over.
   *
   * @throws {NoTransactionsError} If the server is known to have none.
   */
  async begin(deadlineMs: number): Promise<Transaction> {
    const { link } = this.#options;
    // Its client may have to log in first, or may be replaced.
    await link.connect();
    if (link.isStandalone) throw new NoTransactionsError();
    const { client } = link;
    // A session is known to its client alone. Nor is one used again in which a command is under way, as far as it is known.
    if (this.#session && (this.#session.client !== client || this.#session.session.inTransaction())) {
      this.#session.session.endSession().catch(() => {});
      this.#session = undefined;
    }
    this.#session ??= { client, session: client.startSession({ causalConsistency: false }) };
    return new Transaction({ ...this.#options, ...this.#session, deadlineMs });
  }
}

/** A transaction: nothing of it is made unless it is committed. */
export class Transaction {
  readonly #options: TransactionOptions;
  #isBegun = false;

  constructor(options: TransactionOptions) {
    const { commandMs, session } = this.#options = options;
    session.startTransaction({
      readConcern: { level: "snapshot" },
      writeConcern: { w: "majority", journal: true, wtimeoutMS: commandMs },
      readPreference: "primary",
      maxCommitTimeMS: commandMs,
    });
  }

  /** Makes writes in one collection, in order, up to the first that is refused. Throws what the driver throws. */
  async bulkWrite(
    collection: string,
    operations: readonly AnyBulkWriteOperation[],
  ): Promise<BulkWriteResult> {
    const { client, clock, commandMs, database, deadlineMs, link, session } = this.#options;
    const maxTimeMS = Math.max(1, Math.min(commandMs, Math.round(deadlineMs - clock.monotonicMs())));
    try {
      return await link.run(() =>
        client.db(database).collection(collection).bulkWrite(operations, {
          session,
          ordered: true,
          maxTimeMS,
        }), "write");
    } catch (error) {
      throw !this.#isBegun && hasNoTransactions(error) ? new NoTransactionsError(error) : error;
    } finally {
      this.#isBegun = true;
    }
  }

  /** @throws {UnknownCommitError} If it is not known whether it is committed, for any reason. */
  async commit(): Promise<void> {
    const { link, session } = this.#options;
    try {
      await link.run(() => session.commitTransaction(), "commit");
    } catch (error) {
      throw new UnknownCommitError(error);
    }
  }

  /** Ends it, so that it keeps no document locked. Never throws: the next transaction ends it as well. */
  async abort(): Promise<void> {
    const { link, session } = this.#options;
    try {
      if (session.inTransaction()) await link.run(() => session.abortTransaction());
    } catch {
      // The server ends it by itself.
    }
  }
}

interface TransactionOptions extends TransactionsOptions {
  client: MongoClient;
  session: ClientSession;
  /** By the monotonic clock: the server gives up by then what it works on. */
  deadlineMs: number;
}
