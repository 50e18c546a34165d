import { BSON, type Document, type Filter } from "mongodb";
import { errorText } from "../../errors.ts";
import type { DeadLetterOptions } from "./options.ts";
import { isThere, LetterRefusedError, lettersOf, SIMPLE } from "./letters_of.ts";
import { isDuplicateKey, isForbidden, isRefused, isTooLarge } from "../mongo_errors.ts";
import { EXACT_BSON } from "../documents/own_bson.ts";

/** The error of a letter if the document took the verdict alone, and its holder ended right after that. */
const NO_REASON = "The agent that decided so ended before it could write why: see its log";

/** The failures in a letter. */
export interface Failures {
  error: string;
  errors: Document[];
}

/** What a letter is written from. */
interface Draft {
  /** The letter's `_id`, and its document's. */
  id: unknown;
  deadAt: Date;
  /** The failure, if this agent knows it; otherwise the error on the document counts. */
  failures: Failures | undefined;
}

/** Of a letter that holds a copy of its document. */
export interface CopyDraft extends Draft {
  /** Matches the document as long as its lease and its verdict protect it. */
  copyOf: Filter<Document>;
}

/** Of a letter that only refers to its document, which is not read. */
export interface ReferenceDraft extends Draft {
  copyOf?: undefined;
  attempts: number;
}

/**
 * Writes a letter. It replaces an older letter, and never a newer one nor one of another collection. It holds a copy of
 * the document, or refers to it: then the document stays in its collection. Returns false if there is no such document
 * any more.
 *
 * @throws {LetterRefusedError} If the letters' collection takes it in no form.
 * @throws {OtherLetterError} If its `_id` belongs to a letter of another collection.
 */
export async function writeLetter(
  draft: CopyDraft | ReferenceDraft,
  options: DeadLetterOptions,
): Promise<boolean> {
  try {
    return await write(draft, options);
  } catch (error) {
    // Without the right to write there, retries would keep every other dead letter waiting.
    if (error instanceof LetterRefusedError || !(isForbidden(error) || isRefused(error))) throw error;
    const { collectionName } = options.letters;
    throw new LetterRefusedError(
      `The dead letter cannot be written to ${collectionName}: ${errorText(error)}`,
      { cause: error },
    );
  }
}

/** Tries the ways to write a letter: each loses more than the one before it, and asks less of the server. */
async function write(draft: CopyDraft | ReferenceDraft, options: DeadLetterOptions): Promise<boolean> {
  if (!draft.copyOf) {
    await refer(draft, { _pull: { attempts: draft.attempts } }, options);
    return true;
  }
  try {
    await copyOnServer(draft, options);
  } catch (error) {
    if (!isRefused(error)) throw error;
    const isCopied = !isTooLarge(error) && await copyByDriver(draft, options).catch(unlessRefused);
    if (!isCopied) await referToFound(draft, options);
  }
  return await isThere(draft.id, options);
}

/**
 * The server makes the copy, from the very bytes of the document, because no driver can carry all that a document may
 * hold: text that is not UTF-8, dates beyond JavaScript's, values of types that no longer exist, names in an order of
 * their own.
 */
async function copyOnServer(draft: CopyDraft, options: DeadLetterOptions): Promise<void> {
  const { collection, letters, maxTimeMS } = options;
  const source = { database: collection.dbName, collection: collection.collectionName };
  await collection.aggregate([
    { $match: draft.copyOf },
    {
      $replaceWith: {
        _id: "$_id",
        document: "$$ROOT",
        attempts: "$_pull.attempts",
        saved: "$_pull.saved.data",
        ...failuresOf(draft),
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

/** The failures as expressions for the server. */
function failuresOf({ failures }: Draft): Document {
  const kept = { $cond: [{ $isArray: "$_pull.errors" }, "$_pull.errors", []] };
  if (!failures) return { error: { $ifNull: ["$error", { $literal: NO_REASON }] }, errors: kept };
  const error = { $literal: failures.error };
  const all = { $concatArrays: [kept, { $literal: failures.errors }] };
  // If the document did not take the last error, only this agent knows it.
  return { error, errors: { $cond: [{ $eq: ["$error", error] }, kept, all] } };
}

/** Whether our letter, `$$new`, may replace the present one: that has to be of the same collection, and not newer. */
function isReplaceable(collection: string): Document {
  const isNewer = [{ $eq: [{ $type: "$dead_at" }, "date"] }, { $gt: ["$dead_at", "$$new.dead_at"] }];
  return {
    $and: [
      // The collation of the letters' collection may take another id for equal.
      { $eq: ["$_id", "$$new._id"] },
      { $in: [{ $ifNull: ["$source.collection", null] }, [{ $literal: collection }, null]] },
      { $not: [{ $and: isNewer }] },
    ],
  };
}

/**
 * For servers that cannot write what they aggregate. Returns false for a document that would change on its way through
 * the driver: a letter that only refers to it loses nothing.
 */
async function copyByDriver(draft: CopyDraft, options: DeadLetterOptions): Promise<boolean> {
  const { collection, maxTimeMS } = options;
  const [bytes] = await collection.find<Uint8Array>(draft.copyOf, { raw: true, maxTimeMS }).toArray();
  if (!bytes) return true;
  const document = BSON.deserialize(bytes, EXACT_BSON);
  const again = BSON.serialize(document);
  if (again.length !== bytes.length || again.some((byte, at) => byte !== bytes[at])) return false;
  const { _id, _pull, error, ...rest } = document;
  const letter = { document: { _id, ...rest, status: "failed" }, ...contentOf({ _pull, error }, draft) };
  await replace(_id, { ...letter, dead_at: draft.deadAt }, options);
  return true;
}

/** After a refusal the next way is tried, if there is one. */
function unlessRefused(error: unknown): false {
  if (isRefused(error) && !(error instanceof LetterRefusedError)) return false;
  throw error;
}

/** The letter of a document that is too large to be copied, or that no copy can hold. */
async function referToFound(draft: CopyDraft, options: DeadLetterOptions): Promise<void> {
  const { collection, maxTimeMS } = options;
  const found = await collection.findOne(draft.copyOf, {
    projection: { _id: 0, error: 1, "_pull.attempts": 1, "_pull.errors": 1, "_pull.saved": 1 },
    maxTimeMS,
  });
  if (found) await refer(draft, found, options);
}

async function refer(draft: Draft, known: Document, options: DeadLetterOptions): Promise<void> {
  const { id, deadAt } = draft;
  const letter = { document: { _id: id }, by_reference: true, ...contentOf(known, draft) };
  await replace(id, { ...letter, dead_at: deadAt }, options);
}

/** The fields of a letter besides its document. */
function contentOf({ _pull, error }: Document, { failures }: Draft): Document {
  const kept: Document[] = Array.isArray(_pull?.errors) ? _pull.errors : [];
  const isKept = failures === undefined || String(error) === failures.error;
  return {
    attempts: _pull?.attempts,
    ...savedBy(_pull),
    error: failures?.error ?? error ?? NO_REASON,
    errors: isKept ? kept : [...kept, ...failures.errors],
  };
}

/** How far the runs came; only what an agent wrote has this form. */
function savedBy(bookkeeping: Document | undefined): Document {
  const { saved } = bookkeeping ?? {};
  return typeof saved === "object" && saved !== null && "data" in saved ? { saved: saved.data } : {};
}

async function replace(id: unknown, letter: Document, options: DeadLetterOptions): Promise<void> {
  const { collection, letters } = options;
  const { dead_at, ...rest } = letter;
  const source = { database: collection.dbName, collection: collection.collectionName };
  // A letter whose date the user has removed is not newer.
  const newer: Document[] = [{ dead_at: { $gt: dead_at } }];
  // Another holder may have copied the document for the same verdict: a reference holds less than a copy.
  if (letter.by_reference) newer.push({ dead_at, by_reference: { $ne: true } });
  const older = { _id: { $eq: id } as never, $nor: newer, ...lettersOf(collection) };
  try {
    await letters.replaceOne(older, { ...rest, source, dead_at }, { upsert: true, collation: SIMPLE });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    // There is a newer letter, which stays, or one of another collection. Otherwise some index of the letters'
    // collection refuses ours.
    if (!await isThere(id, options)) throw error;
  }
}
