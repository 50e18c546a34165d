import { BSON } from "mongodb";
import type { Document } from "../ports.ts";

/** How the BSON of a user's document becomes JavaScript, with each value as people expect it. */
const FOR_USERS = { promoteValues: true, validation: { utf8: false } } as const;
/** The same where a regular expression is not one of JavaScript's: MongoDB's may say more. */
const WITH_BSON_REGEXPS = { ...FOR_USERS, bsonRegExp: true } as const;
/** The same without loss: every value keeps its BSON type. */
const EXACT = {
  bsonRegExp: true,
  promoteValues: false,
  promoteLongs: false,
  validation: { utf8: false },
} as const;

/** Above this size a document waits as bytes alone: parsed as well it would weigh several times as much. */
const KEEP_PARSED_BYTES = 64 * 1024;

/** The agent's bookkeeping on a document, as far as a holder needs it. */
export interface Bookkeeping {
  attempts?: number;
  /** Starts of its handler with nothing else in flight, as a suspect. */
  alone?: number;
  dead_at?: Date;
}

/** A document that keeps the bytes it came as: small, exact, and of a size that need not be guessed. */
export class RawDocument {
  readonly bytes: Uint8Array;
  readonly id: unknown;
  /** Undefined where no agent has ever touched the document. */
  readonly bookkeeping: Bookkeeping | undefined;
  #parsed: Document | undefined;

  constructor(bytes: Uint8Array) {
    const document = forUsers(bytes);
    this.bytes = bytes;
    this.id = document._id;
    this.bookkeeping = document._pull;
    if (bytes.length <= KEEP_PARSED_BYTES) this.#parsed = document;
  }

  /** The document for the user: plain values, no bookkeeping. Each call returns a copy of its own. */
  read(): Document {
    const document = this.#parsed ?? forUsers(this.bytes);
    this.#parsed = undefined;
    delete document._pull;
    // As it stands in the collection by now, whether it was read before its claim or after.
    document.status = "processing";
    return document;
  }

  /** The document with every value's BSON type kept. */
  exactly(): Document {
    return BSON.deserialize(this.bytes, EXACT);
  }

  /** `_id` in canonical Extended JSON, which tells an integer from a double and a string from both. */
  canonicalId(): string {
    if (this.id instanceof BSON.ObjectId) return `{"$oid":"${this.id.toHexString()}"}`;
    if (typeof this.id === "string") return JSON.stringify(this.id);
    return BSON.EJSON.stringify(this.exactly()._id, { relaxed: false });
  }
}

/** One document with a value that JavaScript cannot hold must not keep all others from being claimed. */
function forUsers(bytes: Uint8Array): Document {
  try {
    return BSON.deserialize(bytes, FOR_USERS);
  } catch {
    return BSON.deserialize(bytes, WITH_BSON_REGEXPS);
  }
}
