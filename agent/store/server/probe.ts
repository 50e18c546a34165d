import { type Collection, type Document, type Filter, ObjectId } from "mongodb";
import { errorText } from "../../errors.ts";
import { isForbidden, isTransient } from "../mongo_errors.ts";
import type { Ability } from "./abilities.ts";
import { NOW } from "./server_time.ts";

/** The abilities that a probe finds out. */
export const PROBED = [
  "expressions",
  "nowInReads",
  "nowInWrites",
  "bsonSize",
  "hintsOfWrites",
  "collations",
  "retryableWrites",
] as const satisfies readonly Ability[];

/** The server gives up each question after this long, in milliseconds: it looks for nothing. */
const MAX_TIME_MS = 5000;
/** What of a question is refused by a server that does not have the number of a retryable write. */
const NO_RETRYABLE_WRITES = /txnNumber|transaction numbers/i;
const NO_DOCUMENTS: Filter<Document> = { _id: { $in: [] } };

/**
 * Asks a server what it lacks, by a query that finds nothing and by an update that matches nothing: servers parse before
 * they look. If it refuses one of them, its parts are asked about one by one. Nothing is read or written.
 *
 * Returns what it says to each part that it lacks; undefined if it refuses even the plainest of the questions, so that
 * nothing can be told. Throws what the driver throws if the server is out of reach or in trouble.
 */
export async function probe(collection: Collection): Promise<ReadonlyMap<Ability, string> | undefined> {
  const lacking = new Map<Ability, string>();
  const questions = new Questions(collection);
  // One after the other: a second connection costs a start more than a second answer.
  const isTold = await askReads(questions, lacking) && await askWrites(questions, lacking);
  return isTold ? lacking : undefined;
}

/** Returns whether anything can be told. */
async function askReads(questions: Questions, lacking: Map<Ability, string>): Promise<boolean> {
  const [time, size] = [isPast(NOW), { size: { $bsonSize: "$$ROOT" } }];
  if (await questions.read({ ...time }, size) === undefined) return true;
  if (await questions.read() !== undefined) return false;
  const ask = collector(lacking);
  if (await ask("nowInReads", questions.read(time))) {
    await ask("expressions", questions.read(isPast(new Date(0))));
  }
  await ask("bsonSize", questions.read({}, size));
  return true;
}

/** Returns whether anything can be told. */
async function askWrites(questions: Questions, lacking: Map<Ability, string>): Promise<boolean> {
  const time = isPast(NOW);
  const hint = { hint: { _id: 1 } } as const;
  const collation = { collation: { locale: "simple" } } as const;
  const refusal = await questions.writeOne(time, { ...hint, ...collation });
  if (refusal === undefined) return true;
  const plain = await questions.writeOne();
  if (plain !== undefined) {
    if (!NO_RETRYABLE_WRITES.test(plain)) return false;
    lacking.set("retryableWrites", plain);
  }
  const ask = collector(lacking);
  // An update of many documents has no number.
  await ask("nowInWrites", questions.writeMany(time));
  await ask("hintsOfWrites", questions.writeMany({}, hint));
  await ask("collations", questions.writeMany({}, collation));
  return true;
}

/** Takes note of what is refused. Returns whether it was. */
function collector(lacking: Map<Ability, string>) {
  return async (ability: Ability, asked: Promise<string | undefined>) => {
    const refusal = await asked;
    if (refusal !== undefined) lacking.set(ability, refusal);
    return refusal !== undefined;
  };
}

/** The same condition as that of claims. */
function isPast(time: typeof NOW | Date): Filter<Document> {
  return { $expr: { $lte: ["$_pull.visible_at", time] } };
}

/** Questions to a server. Each returns its refusal; undefined if it takes the question. */
class Questions {
  readonly #collection: Collection;
  /** No document has this `_id` and this token. A router needs an `_id` for an update of one document. */
  readonly #nothing = { _id: { $eq: new ObjectId() }, "_pull.token": crypto.randomUUID() };

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  read(condition: Filter<Document> = {}, projection: Document = {}): Promise<string | undefined> {
    return refusalOf(() =>
      this.#collection.find({ ...NO_DOCUMENTS, ...condition }, {
        projection: { _id: 1, ...projection },
        limit: 1,
        singleBatch: true,
        maxTimeMS: MAX_TIME_MS,
      }).toArray()
    );
  }

  writeOne(condition: Filter<Document> = {}, options: WriteOptions = {}): Promise<string | undefined> {
    return refusalOf(() =>
      this.#collection.updateOne({ ...this.#nothing, ...condition }, CHANGE, { ...WRITTEN, ...options })
    );
  }

  writeMany(condition: Filter<Document> = {}, options: WriteOptions = {}): Promise<string | undefined> {
    return refusalOf(() =>
      this.#collection.updateMany({ ...this.#nothing, ...condition }, CHANGE, { ...WRITTEN, ...options })
    );
  }
}

interface WriteOptions {
  readonly hint?: { readonly _id: 1 };
  readonly collation?: { readonly locale: string };
}

/** What would be written if a document matched. */
const CHANGE = { $currentDate: { "_pull.dead_at": true } } as const;
/** Nothing is written, so that there is nothing that a majority could confirm. */
const WRITTEN = { writeConcern: { w: 1 }, maxTimeMS: MAX_TIME_MS } as const;

async function refusalOf(ask: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    // Without the right to ask, the agent takes the server for MongoDB: its claims report the right that is missing.
    if (isForbidden(error)) return undefined;
    if (isTransient(error)) throw error;
    return errorText(error);
  }
}
