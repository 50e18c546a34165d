import type { Collection, Document, Filter } from "mongodb";

/** Documents that are looked at, at most. */
const SAMPLE = 100;
/** Those whose writes are tried on copies of them. */
const TRIED = 20;

/** Documents that agents still write on. */
const WAITING = { status: { $in: ["pending", "processing"] } };

/** The sizes of some documents. */
export interface Sizes {
  readonly documents: number;
  readonly averageBytes: number;
  readonly largestBytes: number;
}

/** The write beside which a processor may set fields of its own. */
export const PROCESSED = "the outcome processed";

/** What the agent writes on a document in its life, in the order of a life. */
const WRITTEN: Readonly<Record<string, Document>> = {
  "the claim": {
    status: "processing",
    _pull: { token: "token", owner: "doctor", visible_at: "$$NOW", attempts: 1 },
  },
  [PROCESSED]: { status: "processed", processed_at: "$$NOW", _pull: { attempts: 1 } },
  "a retry": {
    status: "pending",
    error: "doctor",
    _pull: { visible_at: "$$NOW", attempts: 1, errors: [{ at: "$$NOW", attempt: 1, message: "doctor" }] },
  },
  "the outcome failed": { status: "failed", error: "doctor", _pull: { attempts: 1 } },
};

/** A write of the agent's that a validator refuses. */
export interface RefusedWrite {
  /** Which one, such as `the claim`. */
  readonly write: string;
  /** How many of the documents that were tried. */
  readonly refused: number;
  readonly tried: number;
}

/** How it is sampled. */
export interface SampleOptions {
  filter: Filter<Document> | undefined;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}

/** The sizes of some documents that an agent works on; zeros if there are none. Throws what the driver throws. */
export async function sampledSizes(
  collection: Collection,
  { filter, maxTimeMS }: SampleOptions,
): Promise<Sizes> {
  const size = { $bsonSize: "$$ROOT" };
  const [found] = await collection.aggregate([
    { $match: filter ?? {} },
    { $limit: SAMPLE },
    { $group: { _id: null, documents: { $sum: 1 }, average: { $avg: size }, largest: { $max: size } } },
  ], { maxTimeMS }).toArray();
  return {
    documents: found?.documents ?? 0,
    averageBytes: Math.round(found?.average ?? 0),
    largestBytes: found?.largest ?? 0,
  };
}

/**
 * Which of the agent's writes the validator of a collection would refuse. The server makes copies of some documents as
 * the writes would leave them, and compares these: nothing is written. Throws what the driver throws.
 */
export async function refusedWrites(
  collection: Collection,
  { validator, validationLevel }: Document,
  { filter, maxTimeMS }: SampleOptions,
): Promise<readonly RefusedWrite[]> {
  const count = async (stages: Document[]) => {
    const [found] = await collection.aggregate([...stages, { $count: "count" }], { maxTimeMS }).toArray();
    return found?.count ?? 0;
  };
  const sampleOf = (some: Document): Document[] => [
    { $match: { $and: [some, filter ?? {}] } },
    { $limit: TRIED },
    // This level leaves documents alone that do not fit already.
    ...(validationLevel === "moderate" ? [{ $match: validator }] : []),
  ];
  let sample = sampleOf(WAITING);
  let tried = await count(sample);
  if (tried === 0) {
    // Documents that are done may have to look otherwise, and are not written any more: those count that could wait.
    sample = [...sampleOf({}), { $set: { status: "pending" } }, { $match: validator }];
    tried = await count(sample);
  }
  if (tried === 0) return refusedBySchema(validator);
  const found = await Promise.all(
    Object.entries(WRITTEN).map(async ([write, fields]) => ({
      write,
      refused: await count([...sample, { $set: fields }, { $match: { $nor: [validator] } }]),
      tried,
    })),
  );
  return found.filter(({ refused }) => refused > 0);
}

/** The same without a document: as far as a schema itself tells. */
function refusedBySchema({ $jsonSchema: schema }: Document): RefusedWrite[] {
  const statuses = schema?.properties?.status?.enum;
  const fields: string[] | undefined = schema?.additionalProperties === false
    ? Object.keys(schema.properties ?? {})
    : undefined;
  return Object.entries(WRITTEN).filter(([, written]) =>
    (Array.isArray(statuses) && !statuses.includes(written.status)) ||
    (fields && !Object.keys(written).every((name) => fields.includes(name)))
  ).map(([write]) => ({ write, refused: 0, tried: 0 }));
}
