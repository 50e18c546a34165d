import { BSON } from "mongodb";
import { errorText, PermanentError } from "../../errors.ts";
import type { Checkpoint, Document } from "../../ports.ts";
import { type Bookkeeping, bookkeepingOf } from "./bookkeeping.ts";
import { documentOf, elementNamed, elementsApart } from "./bson_elements.ts";
import { EXACT_BSON } from "./own_bson.ts";

/** How the BSON of a user's document becomes JavaScript, with the values that people expect. */
const FOR_USERS = { promoteValues: true, validation: { utf8: false } } as const;
/** The same if JavaScript cannot hold a regular expression of the document: MongoDB's may hold more. */
const WITH_BSON_REGEXPS = { ...FOR_USERS, bsonRegExp: true } as const;

/** Above this size a waiting document is kept as bytes only: parsed it would need several times as much memory. */
const KEEP_PARSED_BYTES = 64 * 1024;

/** The BSON type of text, and the bytes of its value besides the text itself: its length and the zero at its end. */
const TEXT_TYPE = 0x02;
const TEXT_FRAME = 5;
const NO_TEXT = { type: 0, bytes: new Uint8Array(), offset: 0, valueLength: 0 };
const decoder = new TextDecoder();

/**
 * A document that keeps the bytes that it came as: small, exact, and of a known size.
 *
 * It can be made from any bytes that a server sends. A value that JavaScript cannot hold is a problem of this document
 * alone, and shows when the document is read.
 */
export class RawDocument {
  readonly bytes: Uint8Array;
  /** `_id`, as the driver gives it; undefined if JavaScript cannot hold it. */
  readonly id: unknown;
  /** Undefined if no agent has ever touched the document. */
  readonly bookkeeping: Bookkeeping | undefined;
  /** Why the document cannot be read, as a sentence; undefined if it can. */
  readonly unreadable: string | undefined;
  #parsed: Document | undefined;

  /** @param known whether it can be read, if that was found out already: then it is not read for that once more */
  constructor(bytes: Uint8Array, known?: Pick<RawDocument, "unreadable">) {
    this.bytes = bytes;
    if (known) {
      this.id = idAlone(bytes);
      this.bookkeeping = bookkeepingOf(bytes);
      this.unreadable = known.unreadable;
      return;
    }
    let document: Document;
    try {
      document = forUsers(bytes);
    } catch (error) {
      this.id = idAlone(bytes);
      this.bookkeeping = bookkeepingOf(bytes);
      this.unreadable = unreadableText(bytes, error);
      return;
    }
    this.id = isMadeOfValues(document._id) ? idAlone(bytes) : document._id;
    this.bookkeeping = "_pull" in document ? bookkeepingOf(bytes) : undefined;
    if (bytes.length <= KEEP_PARSED_BYTES) this.#parsed = document;
  }

  /**
   * The document for the user: plain values, no bookkeeping. Each call returns a copy of its own.
   *
   * @throws {PermanentError} If it holds a value that JavaScript cannot hold.
   */
  read(): Document {
    if (this.unreadable !== undefined) throw new PermanentError(this.unreadable);
    const document = this.#parsed ?? forUsers(this.bytes);
    this.#parsed = undefined;
    delete document._pull;
    // Written as it is in the collection by now, whether it was read before its claim or after.
    document.status = "processing";
    return document;
  }

  /** The document for the agent itself, as it was read; undefined if it cannot be read. It must not be changed. */
  peek(): Document | undefined {
    return this.unreadable === undefined ? this.#parsed ?? forUsers(this.bytes) : undefined;
  }

  /** The text of the field `error`, as the reason of a verdict; nothing if it holds no text. Never throws. */
  failure(): { reason?: string } {
    try {
      const element = elementNamed(this.bytes, "error");
      const error: unknown = element && BSON.deserialize(documentOf(element.whole), FOR_USERS).error;
      return typeof error === "string" ? { reason: error } : {};
    } catch {
      return {};
    }
  }

  /**
   * The text of a field whose name is ASCII; undefined if it is missing, is not text, or is longer than `maxBytes`. A
   * longer one is not decoded. Never throws.
   */
  shortText(field: string, maxBytes: number): string | undefined {
    try {
      const { bytes, offset, type, valueLength } = elementNamed(this.bytes, field) ?? NO_TEXT;
      if (type !== TEXT_TYPE || valueLength > maxBytes + TEXT_FRAME) return undefined;
      return decoder.decode(bytes.subarray(offset + 4, offset + valueLength - 1));
    } catch {
      return undefined;
    }
  }

  /** What an earlier run has saved; undefined if the field is not as an agent writes it. Never throws. */
  saved(): Checkpoint | undefined {
    const element = this.bookkeeping?.saved;
    if (!element) return undefined;
    try {
      const { saved } = parsed(documentOf(element.whole));
      return Number.isSafeInteger(saved.n) && "data" in saved ? { n: saved.n, data: saved.data } : undefined;
    } catch {
      return undefined;
    }
  }

  /** `_id` with every value's BSON type kept. Throws what the driver throws of what it cannot parse. */
  exactId(): unknown {
    const element = elementNamed(this.bytes, "_id");
    return element && BSON.deserialize(documentOf(element.whole), EXACT_BSON)._id;
  }

  /** `_id` in canonical Extended JSON, which tells an integer from a double and a string from both. Never throws. */
  canonicalId(): string {
    if (this.id instanceof BSON.ObjectId) return `{"$oid":"${this.id.toHexString()}"}`;
    if (typeof this.id === "string") return JSON.stringify(this.id);
    try {
      return BSON.EJSON.stringify(this.exactId(), { relaxed: false });
    } catch {
      return `{"bson":"${elementNamed(this.bytes, "_id")?.whole.toHex()}"}`;
    }
  }
}

/** Whether an id may hold a regular expression: the user's way of reading keeps only the flags that JavaScript has. */
function isMadeOfValues(id: unknown): boolean {
  return typeof id === "object" && id !== null && !("_bsontype" in id) && !(id instanceof Date);
}

function idAlone(bytes: Uint8Array): unknown {
  try {
    const element = elementNamed(bytes, "_id");
    return element && BSON.deserialize(documentOf(element.whole), WITH_BSON_REGEXPS)._id;
  } catch {
    return undefined;
  }
}

function forUsers(bytes: Uint8Array): Document {
  try {
    const document = parsed(bytes);
    // A whole document with fields named $ref and $id becomes a reference to another one in the driver.
    if (!(document instanceof BSON.DBRef)) return document;
  } catch {
    // Only the bookkeeping may be unreadable.
  }
  return fieldByField(bytes);
}

/**
 * The fields of a document. Throws if JavaScript cannot hold one: a regular expression of MongoDB's alone must not keep its
 * document from being read.
 */
export function parsed(bytes: Uint8Array): Document {
  try {
    return BSON.deserialize(bytes, FOR_USERS);
  } catch {
    return BSON.deserialize(bytes, WITH_BSON_REGEXPS);
  }
}

/** The document without the content of `_pull`, which the user never sees. */
function fieldByField(bytes: Uint8Array): Document {
  const document: Document = {};
  for (const [field, alone] of elementsApart(bytes)) {
    const fields = field === "_pull" ? { _pull: undefined } : parsed(alone);
    for (const [name, value] of Object.entries(fields)) {
      // By assignment, `__proto__` would not become a field.
      Object.defineProperty(document, name, { value, writable: true, enumerable: true, configurable: true });
    }
  }
  return document;
}

/** Why a document that cannot be read cannot be, as a sentence. */
export function unreadableText(bytes: Uint8Array, error: unknown): string {
  const field = [...elementsApart(bytes)].find(([, alone]) => !canBeRead(alone))?.[0];
  const what = field === undefined ? "it holds" : `its field ${JSON.stringify(field)} is or holds`;
  return `The document cannot be read: ${what} a value that JavaScript cannot hold (${errorText(error)})`;
}

function canBeRead(bytes: Uint8Array): boolean {
  try {
    parsed(bytes);
    return true;
  } catch {
    return false;
  }
}
