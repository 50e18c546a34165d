import { BSON, type Document } from "mongodb";
import { errorText } from "../../errors.ts";
import type { DeadLetterOptions } from "./options.ts";
import { isThere, LetterRefusedError, lettersOf, SIMPLE } from "./source.ts";
import { isDuplicateKey, isForbidden, isRefused, isTooLarge } from "../mongo_errors.ts";
import { EXACT_BSON } from "../documents/own_bson.ts";
import { leasedBy } from "../queries.ts";

/** A verdict may be all that a document took, and its holder may have ended right after it. */
const NO_REASON = "The agent that decided so ended before it could write why: see its log";

/** What a letter says of the failures. */
export interface Failures {
  error: string;
  errors: Document[];
}

/** A document with a verdict on it, which our lease protects. */
export interface Judged {
  id: unknown;
  token: string;
  deadAt: Date;
  /** The failure, if we know of it; otherwise what stands on the document counts. */
  failures?: Failures | undefined;
}

/**
 * Writes the letter of a judged document, over an older one, never over a newer one nor over another collection's.
 * Returns false if there is no such document any more.
 *
 * @throws {LetterRefusedError} If the letters' collection takes it in no form.
 * @throws {OtherLetterError} If the letter of another collection stands in its place.
 */
export async function writeLetter(judged: Judged, options: DeadLetterOptions): Promise<boolean> {
  await withRefusalsNamed(copied(judged, options), options);
  return await isThere(judged.id, options);
}

/**
 * Writes a letter that refers to its document, which stays where it is: for one that is too large to be copied, or that
 * takes no verdict.
 *
 * @throws {LetterRefusedError} As {@linkcode writeLetter} does.
 */
export function writeReference(id: unknown, content: Content, options: DeadLetterOptions): Promise<void> {
  return withRefusalsNamed(refer(id, content, options), options);
}

async function withRefusalsNamed<T>(writing: Promise<T>, { letters }: DeadLetterOptions): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    // Without the right to write there, retried in vain it would keep every other dead letter waiting.
    if (error instanceof LetterRefusedError || !(isForbidden(error) || isRefused(error))) throw error;
    const { collectionName } = letters;
    throw new LetterRefusedError(
      `The dead letter cannot be written to ${collectionName}: ${errorText(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** Tries the ways to write a letter: each loses more than the one before it, and asks less of the server. */
async function copied(judged: Judged, options: DeadLetterOptions): Promise<void> {
  try {
    return await copyOnServer(judged, options);
  } catch (error) {
    if (!isRefused(error)) throw error;
    if (!isTooLarge(error) && await copyByDriver(judged, options).catch(unlessRefused)) return;
  }
  const found = await options.collection.findOne(query(judged), {
    projection: { _id: 0, error: 1, "_pull.attempts": 1, "_pull.errors": 1 },
    maxTimeMS: options.maxTimeMS,
  });
  if (found) await refer(judged.id, { deadAt: judged.deadAt, ...contentOf(found, judged) }, options);
}

/**
 * The server makes the copy, of the very bytes of the document: no driver can carry all that may be in one (text that is
 * no UTF-8, dates beyond JavaScript's, values of types that are no more, names in an order of their own).
 */
async function copyOnServer(judged: Judged, options: DeadLetterOptions): Promise<void> {
  const { collection, letters, maxTimeMS } = options;
  const source = { database: collection.dbName, collection: collection.collectionName };
  await collection.aggregate([
    { $match: query(judged) },
    {
      $replaceWith: {
        _id: "$_id",
        document: "$$ROOT",
        attempts: "$_pull.attempts",
        ...failuresOf(judged),
        source: { $literal: source },
        dead_at: "$_pull.dead_at",
      },
    },
    { $unset: ["document._pull", "document.error"] },
    { $set: { "document.status": "failed" } },
    {
      $merge: {
        into: letters.collectionName,
        on: "_id",
        whenMatched: [{
          $replaceWith: { $cond: [isReplaceable(collection.collectionName), "$$new", "$$ROOT"] },
        }],
        whenNotMatched: "insert",
      },
    },
  ], { maxTimeMS, hint: { _id: 1 } }).toArray();
}

/** The failures as expressions of the server's. */
function failuresOf({ failures }: Judged): Document {
  const kept = { $cond: [{ $isArray: "$_pull.errors" }, "$_pull.errors", []] };
  if (!failures) return { error: { $ifNull: ["$error", { $literal: NO_REASON }] }, errors: kept };
  const error = { $literal: failures.error };
  const all = { $concatArrays: [kept, { $literal: failures.errors }] };
  // Where the document did not take it, only we know of the last error.
  return { error, errors: { $cond: [{ $eq: ["$error", error] }, kept, all] } };
}

/** Whether ours, `$$new`, may take the place of the letter that is there: one of the same collection that is no newer. */
function isReplaceable(collection: string): Document {
  const isNewer = [{ $eq: [{ $type: "$dead_at" }, "date"] }, { $gt: ["$dead_at", "$$new.dead_at"] }];
  return {
    $and: [
      // By the collation of the letters' collection another id may be the same as this one.
      { $eq: ["$_id", "$$new._id"] },
      { $in: [{ $ifNull: ["$source.collection", null] }, [{ $literal: collection }, null]] },
      { $not: [{ $and: isNewer }] },
    ],
  };
}

/**
 * For servers that cannot write what they aggregate. Returns false for a document that would not come out as it went in:
 * a letter that only refers to it loses nothing.
 */
async function copyByDriver(judged: Judged, options: DeadLetterOptions): Promise<boolean> {
  const { collection, maxTimeMS } = options;
  const [bytes] = await collection.find<Uint8Array>(query(judged), { raw: true, maxTimeMS }).toArray();
  if (!bytes) return true;
  const document = BSON.deserialize(bytes, EXACT_BSON);
  const again = BSON.serialize(document);
  if (again.length !== bytes.length || again.some((byte, at) => byte !== bytes[at])) return false;
  const { _id, _pull, error, ...rest } = document;
  const content = contentOf({ _pull, error }, judged);
  const letter = { document: { _id, ...rest, status: "failed" }, ...content };
  await replace(_id, { ...letter, dead_at: judged.deadAt }, options);
  return true;
}

/** A refusal is no end while there is another way. */
function unlessRefused(error: unknown): false {
  if (isRefused(error) && !(error instanceof LetterRefusedError)) return false;
  throw error;
}

function contentOf({ _pull, error }: Document, { failures }: Judged): Omit<Content, "deadAt"> {
  const kept: Document[] = Array.isArray(_pull?.errors) ? _pull.errors : [];
  const isKept = failures === undefined || String(error) === failures.error;
  return {
    attempts: _pull?.attempts,
    error: failures?.error ?? error ?? NO_REASON,
    errors: isKept ? kept : [...kept, ...failures.errors],
  };
}

/** What a letter by reference says. */
interface Content extends Failures {
  attempts: unknown;
  deadAt: Date;
}

async function refer(
  id: unknown,
  { deadAt, ...content }: Content,
  options: DeadLetterOptions,
): Promise<void> {
  const letter = { document: { _id: id }, by_reference: true, ...content };
  await replace(id, { ...letter, dead_at: deadAt }, options);
}

async function replace(id: unknown, letter: Document, options: DeadLetterOptions): Promise<void> {
  const { collection, letters } = options;
  const { dead_at, ...rest } = letter;
  const source = { database: collection.dbName, collection: collection.collectionName };
  // A letter without a date, which the user has taken away, is no newer one.
  const newer: Document[] = [{ dead_at: { $gt: dead_at } }];
  // Another holder may have copied the document for the same verdict: a reference is less.
  if (letter.by_reference) newer.push({ dead_at, by_reference: { $ne: true } });
  const older = { _id: { $eq: id } as never, $nor: newer, ...lettersOf(collection) };
  try {
    await letters.replaceOne(older, { ...rest, source, dead_at }, { upsert: true, collation: SIMPLE });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    // A newer letter, which stays, or another collection's: otherwise some index of the letters' refuses it.
    if (!await isThere(id, options)) throw error;
  }
}

function query({ id, token, deadAt }: Judged): Document {
  return { ...leasedBy([id], token), "_pull.dead_at": deadAt };
}
