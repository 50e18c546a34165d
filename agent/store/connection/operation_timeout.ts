import type { Clock } from "../../lib/clock.ts";
import { answerBy } from "../../lib/deadline.ts";
import type { AbstractCursor, Collection } from "mongodb";

/** An operation was given up: its outcome is not known, and it may be sent again. */
export class OperationTimeoutError extends Error {
  override readonly name: string = "OperationTimeoutError";
}

/** A server stops working on a query of the agent's after this long, in milliseconds. */
export const MAX_TIME_MS = 10_000;
/**
 * How long the parts of an operation may take before it is given up, in whole milliseconds: MongoDB refuses a command with
 * a part of one.
 */
export interface TimeLimits {
  /** To find a server that takes writes, or a free connection to it. */
  readonly selectionMs: number;
  /** To open a connection. */
  readonly connectMs: number;
  /**
   * For a server to answer: it may be frozen. Far below the usual lease. If the lease is two seconds or more, at most
   * half of it.
   */
  readonly socketMs: number;
  /**
   * For a majority to have a write: the server reports that none has it before the agent gives the connection up, which
   * would tell no reason.
   */
  readonly majorityMs: number;
  /**
   * For the server to carry out a claim: the server gives it up before the agent does, and after it has reported a
   * missing majority.
   */
  readonly claimMs: number;
  /** For the server to wait for changes to report. */
  readonly changesMs: number;
  /** For all of it, a second more than the driver's own limits. */
  readonly answerMs: number;
}

/** The limits under leases of `leaseMs` milliseconds. */
export function timeLimits(leaseMs: number): TimeLimits {
  const [selectionMs, connectMs] = [5000, 5000];
  const socketMs = Math.floor(Math.max(1000, Math.min(10_000, leaseMs / 2)));
  return {
    selectionMs,
    connectMs,
    socketMs,
    majorityMs: Math.floor(0.8 * socketMs),
    claimMs: Math.floor(0.9 * socketMs),
    changesMs: Math.floor(Math.min(5000, socketMs / 2)),
    answerMs: selectionMs + socketMs + 1000,
  };
}

/**
 * Operations that answer with a promise. An index may take longer to make: the server goes on with it, and the operation
 * is sent again. Operations that are not listed, and cursors that are iterated, have no limit.
 */
const BOUNDED = new Set<string | symbol>([
  ...["bulkWrite", "countDocuments", "createIndex", "deleteOne", "estimatedDocumentCount", "findOne"],
  ...["findOneAndUpdate", "replaceOne", "updateMany", "updateOne"],
]);

type CursorMethod = "find" | "aggregate" | "listIndexes";
const CURSORS: ReadonlySet<string | symbol> = new Set<CursorMethod>(["find", "aggregate", "listIndexes"]);

/** Sends an operation. The caller gets the errors that it throws. */
export type Run = <T>(operation: () => Promise<T>) => Promise<T>;

/**
 * A collection that is looked up for each operation, because its client may change, and whose operations `run` sends.
 */
export function withOperations(collectionOf: () => Collection, run: Run): Collection {
  return new Proxy(collectionOf(), {
    get(_, name) {
      const target = collectionOf();
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (CURSORS.has(name)) {
        return (...args: unknown[]) =>
          new Query(() => cursorOf(collectionOf(), name as CursorMethod, args), run);
      }
      if (BOUNDED.has(name)) {
        // It is looked up when it is sent: until then another client may have replaced this one.
        return (...args: unknown[]) =>
          run(() => {
            const now = collectionOf();
            return (Reflect.get(now, name, now) as (...args: unknown[]) => Promise<unknown>).apply(now, args);
          });
      }
      return value.bind(target);
    },
  });
}

function cursorOf(collection: Collection, name: CursorMethod, args: unknown[]): AbstractCursor {
  return (Reflect.get(collection, name, collection) as (...args: unknown[]) => AbstractCursor)
    .apply(collection, args);
}

/**
 * The part of a cursor that is used here. A cursor belongs to the client that made it, so it is made when the query is
 * sent: otherwise a client that was replaced meanwhile could send it.
 */
class Query {
  readonly #cursor: () => AbstractCursor;
  readonly #run: Run;
  #iterated: AbstractCursor | undefined;

  constructor(cursor: () => AbstractCursor, run: Run) {
    this.#cursor = cursor;
    this.#run = run;
  }

  toArray(): Promise<unknown[]> {
    return this.#run(() => this.#cursor().toArray());
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    const cursor = this.#iterated ??= this.#cursor();
    yield* cursor;
    // If a cursor is closed with its client, the driver ends it as if all had been read.
    if (cursor.killed) {
      throw new OperationTimeoutError(
        "The connection was replaced before all of an answer was read: try again",
      );
    }
  }

  /** The cursor was closed, here or with its client, before all was read. */
  get killed(): boolean {
    return this.#iterated?.killed ?? false;
  }

  async close(): Promise<void> {
    await this.#iterated?.close();
  }
}

/**
 * The operation's answer, or {@linkcode OperationTimeoutError} after `limitMs` milliseconds. The driver's own timeouts
 * leave a gap: if a socket is closed while a command is about to be written to it, the command waits for a `drain`
 * event that never comes. Its caller would hold its documents until the end of the process.
 */
export function answerWithin<T>(operation: Promise<T>, limitMs: number, clock: Clock): Promise<T> {
  const late = () => new OperationTimeoutError(`MongoDB did not answer within ${limitMs} ms`);
  return answerBy(operation, { clock, limitMs }, late);
}
