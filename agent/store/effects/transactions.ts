import type { AnyBulkWriteOperation, BulkWriteResult, ClientSession, MongoClient } from "mongodb";
import type { Clock } from "../../lib/clock.ts";
import { doneBy } from "../../lib/deadline.ts";
import type { Link } from "../connection/link.ts";
import { SessionEnder } from "./session_ender.ts";
import { hasNoTransactions, NoTransactionsError, UnknownCommitError } from "./transaction_errors.ts";

/** What {@linkcode Transactions} needs. */
export interface TransactionsOptions {
  link: Pick<Link, "abilities" | "client" | "closed" | "connect" | "db" | "run" | "told">;
  database: string;
  clock: Clock;
  /** The server works on a command of a transaction for so long at most, in milliseconds. */
  commandMs: number;
}

/**
 * Makes transactions, one after the other, in one session. One whose end is not known is ended together with its session,
 * before the next one begins, and also if there is no next one.
 */
export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #ender: SessionEnder;
  #session: { readonly client: MongoClient; readonly session: ClientSession } | undefined;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.#ender = new SessionEnder(options);
  }

  /**
   * Begins a transaction, with the first command. The one before it has to be over.
   *
   * @throws {NoTransactionsError} If the server is known to have none.
   */
  async begin(deadlineMs: number): Promise<Transaction> {
    const { clock, link } = this.#options;
    // Its client may have to log in first, or may be replaced.
    await link.connect();
    if (link.told.isStandalone || link.abilities.lacks("transactions")) throw new NoTransactionsError();
    await doneBy(this.#ender.ended(), { clock, limitMs: deadlineMs - clock.monotonicMs() });
    const { client } = link;
    // A session is known to its client alone.
    if (this.#session && this.#session.client !== client) {
      this.#session.session.endSession().catch(() => {});
      this.#session = undefined;
    }
    this.#session ??= { client, session: client.startSession({ causalConsistency: false }) };
    return new Transaction({ ...this.#options, ...this.#session, deadlineMs, leave: () => this.#leave() });
  }

  #leave(): void {
    if (this.#session) this.#ender.end(this.#session.session);
    this.#session = undefined;
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

  /** Ends it, so that it keeps no document locked. Never throws. */
  async abort(): Promise<void> {
    const { link, session } = this.#options;
    try {
      await link.run(() => session.abortTransaction());
    } catch {
      this.leave();
    }
  }

  /** Lets it be ended in the background: what the server knows of it is not known. */
  leave(): void {
    this.#options.leave();
  }
}

interface TransactionOptions extends TransactionsOptions {
  client: MongoClient;
  session: ClientSession;
  /** By the monotonic clock: the server gives up by then what it works on. */
  deadlineMs: number;
  /** Ends the session, in the background. */
  leave: () => void;
}
