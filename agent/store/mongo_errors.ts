import {
  MongoError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
} from "mongodb";

/**
 * What the server says of this one write, today and tomorrow: it would make the document invalid or too large. All
 * other errors may pass, be it that somebody mends a password or a permission.
 */
const REFUSED_CODES = new Set([
  2, // BadValue
  9, // FailedToParse
  14, // TypeMismatch
  28, // PathNotViable
  40, // ConflictingUpdateOperators
  52, // DollarPrefixedFieldName
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  66, // ImmutableField
  121, // DocumentValidationFailure
  10334, // BSONObjectTooLarge
  17280, // KeyTooLong
  17419, // the update makes the document larger than the maximum
  17420, // the same, for an insertion
  11000, // DuplicateKey
]);

/** Whether the driver or the server says so, rather than a bug of ours. */
export function isMongoError(error: unknown): error is Error {
  return error instanceof MongoError;
}

/** Whether the same operation may succeed later. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (error.hasErrorLabel("RetryableWriteError") || error.hasErrorLabel("TransientTransactionError")) {
    return true;
  }
  if (error instanceof MongoServerError) return !REFUSED_CODES.has(Number(error.code));
  // Errors of the driver's own: a pool that was cleared, a checkout that timed out, a topology that is being closed.
  return /Pool|Timeout|Topology|NotConnected|ServerClosed/.test(error.name);
}

/** Whether the server, or the driver on its behalf, says of this one write that it will never do. */
export function isRefused(error: unknown): boolean {
  if (error instanceof MongoServerError) return REFUSED_CODES.has(Number(error.code)) && !isTransient(error);
  return !(error instanceof MongoError) || error instanceof MongoInvalidArgumentError;
}

/** Whether somebody else's document stood in the way of an insertion. */
export function isDuplicateKey(error: unknown): boolean {
  // Where values are read with their BSON types kept, the code is no plain number either.
  return error instanceof MongoServerError && Number(error.code) === 11000;
}

/** Whether a write would have made a document larger than MongoDB allows. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof MongoServerError && [10334, 17419, 17420].includes(Number(error.code));
}
