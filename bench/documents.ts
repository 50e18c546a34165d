import type { Collection } from "mongodb";

/** Bytes of a document, unless a measurement has sizes of its own. */
export const BYTES = 300;

/** Documents of a run of a fast candidate. */
export const MANY = { full: 50_000, quick: 2000 };
/** Of one that needs less than a second for these: what a process does only once must not decide. */
export const LOTS = { full: 100_000, quick: 4000 };

/** Documents that one insert command takes. */
const INSERTED = 5000;
/** The size of a document without its text, in bytes. */
const FRAME_BYTES = 53;

/** Text that makes a document of about `bytes` bytes. */
export function textOf(bytes: number): string {
  return "x".repeat(Math.max(0, bytes - FRAME_BYTES));
}

/** Inserts `count` pending documents of about `bytes` bytes each. */
export async function fill(collection: Collection, count: number, bytes: number): Promise<void> {
  const text = textOf(bytes);
  const perInsert = Math.max(1, Math.min(INSERTED, Math.floor(8e6 / bytes)));
  let left = count;
  const insert = async () => {
    while (left > 0) {
      const length = Math.min(perInsert, left);
      left -= length;
      const batch = Array.from({ length }, () => ({ status: "pending", text }));
      await collection.insertMany(batch, { ordered: false });
    }
  };
  // Two at a time: one batch is made while the server takes the other in.
  await Promise.all([insert(), insert()]);
}
