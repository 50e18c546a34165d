import type { OperationKind } from "../../details.ts";
import type { AbstractCursor, Collection } from "mongodb";
import type { Abilities } from "../server/abilities.ts";
import { OperationTimeoutError } from "./operation_timeout.ts";

/**
 * Operations that answer with a promise, and their kinds. An index may take longer to make: the server goes on with it,
 * and the operation is sent again. Operations that are not listed, and cursors that are iterated, have no limit.
 */
const BOUNDED: ReadonlyMap<string | symbol, OperationKind> = new Map<string, OperationKind>([
  ["bulkWrite", "write"],
  ["countDocuments", "aggregate"],
  ["createIndex", "other"],
  ["deleteOne", "write"],
  ["estimatedDocumentCount", "other"],
  ["findOne", "find"],
  ["replaceOne", "write"],
  ["updateMany", "write"],
  ["updateOne", "write"],
]);

type CursorMethod = "find" | "aggregate" | "listIndexes";
const CURSORS: ReadonlyMap<string | symbol, OperationKind> = new Map<CursorMethod, OperationKind>([
  ["find", "find"],
  ["aggregate", "aggregate"],
  ["listIndexes", "other"],
]);

/** Sends an operation. The caller gets the errors that it throws. */
export type Run = <T>(operation: () => Promise<T>, kind: OperationKind) => Promise<T>;

/**
 * A collection of which each operation goes through the link: `run` sends it. The collection is looked up for each
 * operation, because its client may change. Options that the server does not know are left out.
 */
export function linkedCollection(
  collectionOf: () => Collection,
  run: Run,
  abilities: Pick<Abilities, "known">,
): Collection {
  return new Proxy(collectionOf(), {
    get(_, name) {
      const target = collectionOf();
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const cursorKind = CURSORS.get(name);
      if (cursorKind) {
        return (...args: unknown[]) =>
          new Query(
            () => cursorOf(collectionOf(), name as CursorMethod, abilities.known(name as CursorMethod, args)),
            (send) => run(send, cursorKind),
          );
      }
      const kind = BOUNDED.get(name);
      if (kind) {
        // It is looked up when it is sent: until then another client may have replaced this one.
        return (...args: unknown[]) =>
          run(() => {
            const now = collectionOf();
            return (Reflect.get(now, name, now) as (...args: unknown[]) => Promise<unknown>).apply(now, [
              ...abilities.known(name as string, args),
            ]);
          }, kind);
      }
      return value.bind(target);
    },
  });
}

function cursorOf(collection: Collection, name: CursorMethod, args: readonly unknown[]): AbstractCursor {
  return (Reflect.get(collection, name, collection) as (...args: unknown[]) => AbstractCursor)
    .apply(collection, [...args]);
}

/**
 * The part of a cursor that is used here. A cursor belongs to the client that made it, so it is made when the query is
 * sent: otherwise a client that was replaced meanwhile could send it.
 */
class Query {
  readonly #cursor: () => AbstractCursor;
  readonly #run: (send: () => Promise<unknown[]>) => Promise<unknown[]>;
  #iterated: AbstractCursor | undefined;

  constructor(
    cursor: () => AbstractCursor,
    run: (send: () => Promise<unknown[]>) => Promise<unknown[]>,
  ) {
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
