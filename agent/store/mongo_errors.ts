import {
  BSON,
  MongoBulkWriteError,
  MongoError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
} from "mongodb";
import { isLoginMissing } from "./connection/login_missing.ts";
import { OperationTimeoutError } from "./connection/operation_timeout.ts";
import { LetterRefusedError } from "./dead_letters/letters_of.ts";
import { UnreachableError } from "./connection/unreachable.ts";
import { ClaimModeError } from "../errors.ts";
import { RefusedEffectError } from "../partial_writes.ts";
import { NoTransactionsError, OutOfTimeError } from "./effects/transaction_errors.ts";
import { ModeTroubleError } from "./ranges/mode_trouble.ts";

/**
 * Codes after which the same operation may succeed: the server steps down, shuts down, is interrupted or too slow,
 * could not reach a majority, or does not let the agent in yet. It would give any other answer to a write tomorrow as
 * well: a validator, a size limit, a value that an index does not take. Source: the driver specification "Server
 * Discovery and Monitoring", and the server's own list of retriable, cancellation and authorization errors.
 */
const TRANSIENT_CODES = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  11, // UserNotFound
  13, // Unauthorized
  18, // AuthenticationFailed
  24, // LockTimeout
  46, // LockBusy
  50, // MaxTimeMSExpired
  63, // StaleShardVersion
  64, // WriteConcernFailed
  79, // UnknownReplWriteConcern
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // CannotSatisfyWriteConcern
  112, // WriteConflict
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  146, // ExceededMemoryLimit
  150, // StaleEpoch
  175, // QueryPlanKilled
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  246, // SnapshotUnavailable
  262, // ExceededTimeLimit
  290, // TransactionExceededLifetimeLimitSeconds
  314, // ObjectIsBusy
  317, // ConnectionPoolExpired
  365, // TemporarilyUnavailable
  384, // ConnectionError
  391, // ReauthenticationRequired
  402, // ResourceExhausted
  462, // IngressRequestRateLimitExceeded
  8000, // AtlasError
  9001, // SocketException
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11601, // Interrupted
  11602, // InterruptedDueToReplStateChange
  13388, // StaleConfig
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
  14031, // OutOfDiskSpace
  16500, // a compatible server's "too many requests"
]);

/** Whether the collection of an operation does not exist. */
export function isNoCollection(error: unknown): boolean {
  return Number((error as { code?: unknown }).code) === 26;
}

/** Whether the error comes from the driver or the server, and is not a bug in this program. */
export function isMongoError(error: unknown): error is Error {
  return error instanceof MongoError || error instanceof OperationTimeoutError;
}

/** Whether the same operation may succeed later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof OperationTimeoutError || error instanceof NoTransactionsError) return true;
  if (error instanceof ClaimModeError || error instanceof ModeTroubleError) return true;
  if (!(error instanceof MongoError)) return false;
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (error.hasErrorLabel("RetryableWriteError") || error.hasErrorLabel("TransientTransactionError")) {
    return true;
  }
  // The write was made, and it is not known whether a majority has it: it is sent again, for any reason.
  if (error instanceof MongoWriteConcernError) return true;
  if (error instanceof MongoBulkWriteError) {
    if (error.result?.getWriteConcernError() || [error.writeErrors].flat().some(isTransientWrite)) {
      return true;
    }
  }
  // A bulk write that failed only because of its write concern has no code of its own.
  if (error instanceof MongoServerError) {
    return error.code === undefined || TRANSIENT_CODES.has(Number(error.code));
  }
  // The driver's own errors: a pool that was cleared, a checkout that timed out, a topology that is being closed.
  return /Pool|Timeout|Topology|NotConnected|ServerClosed/.test(error.name);
}

/** Whether one write of a bulk may succeed later. */
export function isTransientWrite({ code }: { code: number }): boolean {
  return TRANSIENT_CODES.has(Number(code));
}

/**
 * Whether the server, or the driver on its behalf, refuses this one write for good: an error of the server, or a value
 * that the driver cannot turn into BSON. Any other error is the trouble of this process, and of no document.
 */
export function isRefused(error: unknown): boolean {
  if (error instanceof MongoServerError) return !isTransient(error);
  return error instanceof MongoInvalidArgumentError || error instanceof BSON.BSONError ||
    // Thrown by the driver if a value does not fit into its buffer.
    error instanceof RangeError || error instanceof LetterRefusedError;
}

/** Whether a write was refused because of its document, for certain: no right is missing, and the server is not in trouble. */
export function isOfDocument(error: unknown): boolean {
  return isRefused(error) && !isUnsupported(error) && !isForbidden(error) && !isDoubtful(error);
}

/** Classes of errors that the engine throws by itself. The driver and the store have classes of their own. */
const OF_THE_ENGINE = new Set<unknown>([Error, EvalError, ReferenceError, SyntaxError, TypeError]);

/**
 * Whether neither the server nor the driver meant to throw this: a bug, or a processor's module that has changed what is
 * built in.
 */
export function isUnexplained(error: unknown): boolean {
  return error instanceof Error && OF_THE_ENGINE.has(error.constructor);
}

/**
 * Codes that concern the document alone: what it holds, or what it would hold. Source: the server's own list of errors,
 * and the codes of its indexes.
 */
const OF_THE_DOCUMENT = new Set([
  2, // BadValue
  9, // FailedToParse
  14, // TypeMismatch
  15, // Overflow
  16, // InvalidLength
  22, // InvalidBSON
  28, // PathNotViable
  40, // ConflictingUpdateOperators
  52, // DollarPrefixedFieldName
  53, // InvalidIdField
  54, // NotSingleValueField
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  61, // ShardKeyNotFound
  66, // ImmutableField
  111, // NotExactValueField
  116, // DocTooLargeForCapped
  121, // DocumentValidationFailure
  171, // CannotIndexParallelArrays
  201, // CannotBuildIndexKeys
  10003, // CannotGrowDocumentInCappedNamespace
  10334, // BSONObjectTooLarge
  11000, // DuplicateKey
  13027, // a point outside of a 2d index
  16755, // no geometry for a 2dsphere index
  16766, // an array in a hashed index
  16804, // no point for a 2d index
  17261, // no text for the language of a text index
  17262, // an unknown language for a text index
  17280, // KeyTooLong
  17419, // the document would be too large
  17420, // the same, before a write
]);

/**
 * Codes that concern the collection that is written to: of the letters, or of writes that a processor asks for. It takes no
 * documents, such as a view, or none in a transaction, such as a capped collection.
 */
const OF_THE_COLLECTION = new Set([
  20, // IllegalOperation
  72, // InvalidOptions
  73, // InvalidNamespace
  115, // CommandNotSupported
  166, // CommandNotSupportedOnView
  263, // OperationNotSupportedInTransaction
]);

/**
 * Whether the server refuses a write with a code that need not concern the document: what it says may be its own trouble,
 * or a rule of the user's that no list knows. The same write on other documents tells which. So it is with an error that
 * is unexplained.
 */
export function isDoubtful(error: unknown): boolean {
  if (error instanceof LetterRefusedError || error instanceof RefusedEffectError) {
    const refusal = error instanceof RefusedEffectError ? error.refusal : error.cause;
    // Perhaps the writes of this document take too long, perhaps the server is slow.
    if (refusal instanceof OutOfTimeError) return true;
    const { code } = (refusal ?? {}) as { code?: unknown };
    return !OF_THE_COLLECTION.has(Number(code)) && isDoubtful(refusal);
  }
  // Most likely every write fails alike. If this one alone does, the others tell.
  if (isUnexplained(error)) return true;
  // The error of one write in a bulk has a code as well, and no class of its own.
  if (error instanceof Error && !(error instanceof MongoServerError)) return false;
  const code = Number((error as { code?: unknown } | null | undefined)?.code);
  return !Number.isNaN(code) && !isTransient(error) && !TRANSIENT_CODES.has(code) &&
    !OF_THE_DOCUMENT.has(code);
}

/** Codes by which servers answer that they do not know an operator, a variable, an option or a command. */
const UNKNOWN = new Set([
  59, // CommandNotFound
  115, // CommandNotSupported
  168, // InvalidPipelineOperator
  238, // NotImplemented
  303, // a compatible server's "feature not supported"
  304, // the same of a stage
  305, // the same of an operator
  17276, // an undefined variable
  40324, // an unknown stage
]);

/**
 * Whether the server does not know what the agent asks of it. That is no document's fault, and each other one fails alike:
 * another kind of server answers than was asked what it knows.
 */
export function isUnsupported(error: unknown): boolean {
  if (!(error instanceof MongoServerError)) return false;
  const code = Number(error.code);
  return UNKNOWN.has(code) || (code === 9 && /^unrecognized field/i.test(error.message));
}

/** Whether an insertion failed because another document has its key. */
export function isDuplicateKey(error: unknown): boolean {
  // If values are read with their BSON types kept, the code is not a plain number either.
  return error instanceof MongoServerError && Number(error.code) === 11000;
}

/** Whether the agent lacks the right to do it, or the server the transaction that it takes. */
export function isForbidden(error: unknown): boolean {
  if (error instanceof NoTransactionsError) return true;
  if (!(error instanceof MongoServerError) || isLoginMissing(error)) return false;
  // Atlas has one code for all that it refuses: the text tells the reason.
  return Number(error.code) === 13 ||
    (Number(error.code) === 8000 && /not allowed to do action/i.test(error.message));
}

/**
 * Whether the error does not pass by itself: a setting, a user, a right or a certificate has to change. The same holds
 * for a server that goes on refusing for a reason that no list knows.
 */
export function isLasting(error: unknown): boolean {
  return isForbidden(error) || isUnsupported(error) || isDoubtful(error) ||
    (error instanceof UnreachableError && error.isLasting);
}

/** Whether the same may succeed a moment later, with the rights of the user and the abilities of the server as they are. */
export function passesByItself(error: unknown): boolean {
  return isTransient(error) && !isForbidden(error) && !isUnsupported(error);
}

/** Whether a write would have made a document larger than MongoDB allows. */
export function isTooLarge(error: unknown): boolean {
  // The error of one write in a bulk has a code as well, and no class of its own.
  const { code } = (error ?? {}) as { code?: unknown };
  return [10334, 17419, 17420].includes(Number(code));
}

/** Whether a validator of the collection refused a write. */
export function isValidationFailure(error: unknown): boolean {
  return Number((error as { code?: unknown } | undefined)?.code) === 121;
}

/**
 * How many documents a write has made that the server gave up only as it waited for a majority to have it; undefined for
 * any other error.
 */
export function writtenOutOfTime(error: unknown): number | undefined {
  if (!isOutOfTime(error)) return undefined;
  if (error instanceof MongoBulkWriteError) {
    return error.result?.getWriteConcernError() ? error.matchedCount : undefined;
  }
  return error instanceof MongoWriteConcernError ? Number(error.result.n ?? 0) : undefined;
}

/** Whether the server gave an operation up because it took longer than it was allowed to. */
export function isOutOfTime(error: unknown): boolean {
  return error instanceof MongoServerError && Number(error.code) === 50;
}

/** Whether a server has answered, and refused. */
export function isAnswer(error: unknown): boolean {
  return error instanceof MongoServerError;
}
