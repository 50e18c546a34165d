import type { AbstractCursor, Collection } from "mongodb";
import { OperationTimeoutError } from "./operation_timeout.ts";

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
 * A collection of which each operation goes through the link: `run` sends it. The collection is looked up for each
 * operation, because its client may change.
 */
export function linkedCollection(collectionOf: () => Collection, run: Run): Collection {
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
