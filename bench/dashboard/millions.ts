import type { Db } from "mongodb";

/** So many documents wait, and so many have failed. */
const WAITING = 2_000_000;
const LETTERS = 200_000;
const BATCH = 20_000;
/** Without a journal it takes a minute. */
const QUICKLY = { ordered: false, writeConcern: { w: 1, journal: false } } as const;
/** What the letters failed with: a few kinds of errors with details that differ, as in an outage. */
const ERRORS = [
  (at: number) => `the price service answered 503 for order ${at}`,
  (at: number) => `no customer "${at.toString(36)}"`,
  (at: number) => `Cannot read properties of undefined (reading 'price') at line ${at % 900}`,
  (at: number) => `timed out after ${at % 60} s`,
];

/** Fills `documents` and `documents_dead_letters` as an outage of days would leave them. */
export async function insertMillions(db: Db): Promise<void> {
  const documents = db.collection<{ _id: unknown }>("documents");
  const letters = db.collection<{ _id: unknown }>("documents_dead_letters");
  const order = (at: number) => ({ customer: at % 5000, lines: [{ sku: `sku ${at % 900}`, n: at % 9 }] });
  for (let from = 0; from < WAITING; from += BATCH) {
    const some = range(from).map((at) => ({ _id: `order ${at}`, status: "pending", ...order(at) }));
    await documents.insertMany(some, QUICKLY);
  }
  for (let from = 0; from < LETTERS; from += BATCH) {
    const failed = range(from).map((at) => {
      const dead_at = new Date(Date.now() - (LETTERS - at) * 1000);
      const error = ERRORS[at % ERRORS.length]!(at);
      return { _id: `failed ${at}`, dead_at, error, attempts: 5, order: order(at) };
    });
    await documents.insertMany(
      failed.map(({ _id, attempts, dead_at, error, order }) => ({
        _id,
        status: "failed",
        error,
        ...order,
        _pull: { attempts, dead_at },
      })),
      QUICKLY,
    );
    const source = { database: db.databaseName, collection: "documents" };
    await letters.insertMany(
      failed.map(({ order, ...letter }) => ({ ...letter, source, document: { _id: letter._id, ...order } })),
      QUICKLY,
    );
  }
}

function range(from: number): number[] {
  return Array.from({ length: BATCH }, (_, at) => from + at);
}
