import { type Collection, type Document, MongoServerError } from "mongodb";
import { isForbidden } from "./mongo_errors.ts";
import { CLAIM_INDEX, TAKEN_OVER, TAKEOVER_INDEX } from "./queries.ts";

/** Codes by which a server refuses `$in` in a partial index. MongoDB has that since 6.0. */
const PARTIAL_UNSUPPORTED = new Set([67, 72, 2]);
/** There is another index with the same keys or the same name. */
const CONFLICT = new Set([85, 86]);

/** An index that the claim's queries need. */
export interface Index {
  name: string;
  keys: Record<string, 1>;
  /** The documents that it holds, if the server can leave the rest out. Neither index holds a finished document. */
  partialFilterExpression: Document;
}

/** All that the agent makes, and all that it needs. */
export const INDEXES: readonly Index[] = [
  {
    name: "pulling_agent_claim",
    keys: CLAIM_INDEX,
    partialFilterExpression: { status: { $in: ["pending", "processing"] } },
  },
  { name: "pulling_agent_takeovers", keys: TAKEOVER_INDEX, partialFilterExpression: TAKEN_OVER },
];

/**
 * Makes the missing indexes, and never the collection. Returns a sentence for each index that cannot serve, with the
 * mend. Throws what the driver throws. A missing index makes claims slow and never wrong, so no agent should stop for
 * it.
 *
 * @throws {MongoServerError} with the code 26 if the collection is not there
 */
export async function ensureIndexes(collection: Collection): Promise<readonly string[]> {
  const found = await existing(collection);
  const problems: string[] = [];
  for (const index of INDEXES) {
    if (!found?.some((other) => serves(other, index, found))) {
      problems.push(...await make(collection, index, found ?? []));
    }
  }
  return problems;
}

/** The indexes of the collection; undefined if the agent has no right to list them. */
async function existing(collection: Collection): Promise<Document[] | undefined> {
  try {
    return await collection.listIndexes().toArray();
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** Whether the claim's queries can use `other`, under any name. */
function serves(
  other: Document,
  { keys, partialFilterExpression }: Index,
  all: readonly Document[],
): boolean {
  const { partialFilterExpression: part, hidden, sparse } = other;
  return isSame(other.key, keys) && !hidden && !sparse && comparesAsQueriesDo(other, all) &&
    (part === undefined || isSame(part, partialFilterExpression));
}

/** Queries compare as the collection does, and so does the index of `_id`. */
function comparesAsQueriesDo({ collation }: Document, all: readonly Document[]): boolean {
  const ofId = all.find(({ key }) => isSame(key, { _id: 1 }));
  return ofId === undefined || isSame(collation, ofId.collation);
}

/** Makes an index. Returns the reason if it cannot. */
async function make(collection: Collection, index: Index, found: readonly Document[]): Promise<string[]> {
  const { name, keys, partialFilterExpression } = index;
  const rival = found.find((other) => other.name === name) ??
    found.find(({ hidden, key }) => hidden && isSame(key, keys));
  if (rival) return [inTheWay(collection, rival, index)];
  try {
    await collection.createIndex(keys, { name, partialFilterExpression });
  } catch (error) {
    const code = error instanceof MongoServerError ? Number(error.code) : NaN;
    // There is an index of the same keys that does not serve: this server keeps no second one beside it.
    if (CONFLICT.has(code)) return [inTheWay(collection, found.find(({ key }) => isSame(key, keys)), index)];
    if (!PARTIAL_UNSUPPORTED.has(code)) throw error;
    await collection.createIndex(keys, { name });
  }
  return [];
}

function inTheWay(collection: Collection, rival: Document | undefined, { name, keys }: Index): string {
  const at = (method: string) => `db.getCollection("${collection.collectionName}").${method}`;
  if (!rival) {
    return `Another index is in the way of ${name}: drop it in mongosh, and the agent makes its own`;
  }
  if (rival.hidden && isSame(rival.key, keys)) {
    return `The index ${rival.name} is hidden, so that claims cannot go by it: ` +
      at(`unhideIndex("${rival.name}")`);
  }
  const what = isSame(rival.key, keys) ? "other options" : `other keys (${JSON.stringify(rival.key)})`;
  return `The index ${rival.name} has ${what} than claims can go by, and is in the way of ${name}: ` +
    `drop it, ${at(`dropIndex("${rival.name}")`)}, and the agent makes its own`;
}

/** Whether two parts of an index description are the same, in the same order. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
