import { type Collection, type Document, MongoServerError } from "mongodb";
import { errorText } from "../errors.ts";
import type { Abilities } from "./server/abilities.ts";
import { isForbidden } from "./mongo_errors.ts";
import { CLAIM_INDEX, TAKEN_OVER, TAKEOVER_INDEX } from "./queries.ts";

/** Codes by which a server refuses `$in` in a partial index, which MongoDB has since 6.0, or partial indexes at all. */
const PARTIAL_UNSUPPORTED = new Set([2, 67, 72, 115, 238, 303, 304, 305]);
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
export async function ensureIndexes(
  collection: Collection,
  abilities?: Pick<Abilities, "note">,
): Promise<readonly string[]> {
  const found = await existing(collection);
  const problems: string[] = [];
  for (const missing of missingIndexes(found ?? [])) {
    problems.push(...await make(collection, missing, abilities));
  }
  return problems;
}

/** An index that claims need, and that no index of the collection can stand in for. */
export interface MissingIndex {
  readonly index: Index;
  /** The index that has its name, or is it and is hidden: the agent does not touch it. */
  readonly rival: Document | undefined;
  /** An index on the same keys that claims cannot go by, because of its other options. */
  readonly similar: Document | undefined;
}

/** Which of the indexes that claims need are missing, among those that were `found`. */
export function missingIndexes(found: readonly Document[]): readonly MissingIndex[] {
  return INDEXES.filter((index) => !found.some((other) => serves(other, index, found))).map((index) => ({
    index,
    rival: found.find(({ name }) => name === index.name) ??
      found.find(({ hidden, key }) => hidden && isSame(key, index.keys)),
    similar: found.find(({ key }) => isSame(key, index.keys)),
  }));
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
async function make(
  collection: Collection,
  { index, rival, similar }: MissingIndex,
  abilities: Pick<Abilities, "note"> | undefined,
): Promise<string[]> {
  const { name, keys, partialFilterExpression } = index;
  if (rival) return [inTheWay(collection, { index, rival })];
  try {
    await collection.createIndex(keys, { name, partialFilterExpression }).catch(async (error) => {
      if (!PARTIAL_UNSUPPORTED.has(codeOf(error))) throw error;
      await collection.createIndex(keys, { name });
      abilities?.note("partialIndexes", errorText(error));
    });
  } catch (error) {
    if (!CONFLICT.has(codeOf(error))) throw error;
    // There is an index of the same keys that does not serve: this server keeps no second one beside it.
    return [inTheWay(collection, { index, rival: similar })];
  }
  return [];
}

function codeOf(error: unknown): number {
  return error instanceof MongoServerError ? Number(error.code) : NaN;
}

function inTheWay(collection: Collection, missing: Pick<MissingIndex, "index" | "rival">): string {
  const at = (method: string) => `db.getCollection("${collection.collectionName}").${method}`;
  const { index, rival } = missing;
  if (!rival) {
    return `Another index is in the way of ${index.name}: drop it in mongosh, and the agent makes its own`;
  }
  if (isHidden(missing)) return `${inTheWayText(missing)}: ` + at(`unhideIndex("${rival.name}")`);
  return `${inTheWayText(missing)}: drop it, ${
    at(`dropIndex("${rival.name}")`)
  }, and the agent makes its own`;
}

/** What is wrong with the index that is in the way, in a sentence. */
export function inTheWayText(missing: Pick<MissingIndex, "index" | "rival">): string {
  const { index: { keys, name }, rival } = missing;
  if (isHidden(missing)) return `The index ${rival?.name} is hidden, so that claims cannot go by it`;
  const what = isSame(rival?.key, keys) ? "other options" : `other keys (${JSON.stringify(rival?.key)})`;
  return `The index ${rival?.name} has ${what} than claims can go by, and is in the way of ${name}`;
}

/** Whether the index that is in the way is the right one, but hidden. */
export function isHidden({ index, rival }: Pick<MissingIndex, "index" | "rival">): boolean {
  return Boolean(rival?.hidden) && isSame(rival?.key, index.keys);
}

/** Whether two parts of an index description are the same, in the same order. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
