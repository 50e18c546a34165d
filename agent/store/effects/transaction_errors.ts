import { MongoServerError } from "mongodb";
import { errorText } from "../../errors.ts";
import { OperationTimeoutError } from "../connection/operation_timeout.ts";

/**
 * The server has no transactions, which writes that a processor asks for need. No document is at fault, and only another
 * server mends it.
 */
export class NoTransactionsError extends Error {
  override readonly name = "NoTransactionsError";

  /** @param cause What the server said, if it was asked. */
  constructor(cause?: unknown) {
    super(
      "The processor asks for writes, which needs a transaction: MongoDB must be a replica set " +
        "(one of a single member will do) or a sharded cluster",
      { cause },
    );
  }
}

/** A transaction has ended before its commit, for a reason that is the trouble of this process or of its connection. */
export class EndedTransactionError extends OperationTimeoutError {
  override readonly name = "EndedTransactionError";

  /** @param cause What the driver threw. */
  constructor(cause: unknown) {
    super(`A transaction has ended before its commit: ${errorText(cause)}`);
  }
}

/** It is not known whether a transaction was committed. */
export class UnknownCommitError extends OperationTimeoutError {
  override readonly name = "UnknownCommitError";

  /** @param cause What the driver threw. */
  constructor(cause: unknown) {
    super(`MongoDB did not confirm a transaction: ${errorText(cause)}`);
  }
}

/** MongoDB did not make the writes of a transaction in time, or had none left for them. */
export class OutOfTimeError extends OperationTimeoutError {
  override readonly name = "OutOfTimeError";

  /** @param cause What the driver threw, if they were begun. */
  constructor(cause?: unknown) {
    super(
      "MongoDB did not make the writes of a processor in time: create an index for the filters of its `writes`, " +
        "if one is missing",
    );
    this.cause = cause;
  }
}

/** How servers report that they have no transactions, to the first command of one. */
const NO_TRANSACTIONS = new Set([
  115, // CommandNotSupported
  238, // NotImplemented
  263, // OperationNotSupportedInTransaction
  303, // a compatible server's "feature not supported"
]);

/** Whether a server has refused the first command of a transaction because it has none. */
export function hasNoTransactions(error: unknown): boolean {
  if (!(error instanceof MongoServerError)) return false;
  const code = Number(error.code);
  return NO_TRANSACTIONS.has(code) || (code === 20 && /transaction/i.test(error.message));
}

/** Codes of a transaction that has met another one, or that the server has ended: nothing of it is made. */
const CONFLICTS = new Set([
  24, // LockTimeout: the collection is being changed as a whole
  46, // LockBusy
  112, // WriteConflict
  225, // TransactionTooOld
  246, // SnapshotUnavailable
  251, // NoSuchTransaction
  290, // TransactionExceededLifetimeLimitSeconds
]);

/** Whether a command within a transaction has failed because of other programs, whose locks need not concern all documents. */
export function isConflict(error: unknown): boolean {
  return error instanceof MongoServerError && CONFLICTS.has(Number(error.code));
}
