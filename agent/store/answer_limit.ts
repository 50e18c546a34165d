import type { Collection } from "mongodb";

/** An operation was given up: its outcome is not known, and it may be sent again. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** Operations that answer with a promise. What is not among them, and cursors that are iterated, goes on as it was. */
const BOUNDED = new Set<string | symbol>([
  ...["bulkWrite", "countDocuments", "deleteOne", "findOne", "findOneAndUpdate"],
  ...["replaceOne", "updateMany", "updateOne"],
]);

/**
 * The same collection, whose operations fail rather than wait for ever. The driver's own timeouts do not cover the
 * moment in which a socket is closed while a command is about to be written to it: that command waits for a `drain`
 * event of a socket that is gone, and whoever awaits it would hold its documents until the end of the process.
 */
export function withAnswerLimit(collection: Collection, limitMs: number): Collection {
  return withOperations(() => collection, (operation) => within(operation(), limitMs));
}

/** Sends an operation; what it throws is what the caller gets to see. */
export type Run = <T>(operation: () => Promise<T>) => Promise<T>;

/** A collection that is looked up with each operation anew, as its client may change, and whose operations `run` sends. */
export function withOperations(collectionOf: () => Collection, run: Run): Collection {
  return new Proxy(collectionOf(), {
    get(_, name) {
      const target = collectionOf();
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name === "find" || name === "aggregate") {
        return (...args: unknown[]) => {
          const cursor = value.apply(target, args);
          const toArray = cursor.toArray.bind(cursor);
          cursor.toArray = () => run(toArray);
          return cursor;
        };
      }
      if (BOUNDED.has(name)) {
        // Looked up again once it is sent: until then another client may have taken the place of this one.
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

/** The operation's answer, or {@linkcode NoAnswerError} after `limitMs` milliseconds. */
export async function within<T>(operation: Promise<T>, limitMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new NoAnswerError(`MongoDB did not answer within ${limitMs} ms`)),
      limitMs,
    );
  });
  try {
    return await Promise.race([operation, late]);
  } finally {
    clearTimeout(timer);
  }
}
