import { type Document, EJSON } from "bson";
import type { Breaches } from "./breaches.ts";
import { updated, type Write } from "./oplog.ts";
import type { Terms } from "./terms.ts";

/** A part of the order of `_id` that an agent holds, open below and closed above. */
export interface HeldPart {
  readonly from: unknown;
  readonly to: unknown;
  readonly token: string;
  readonly owner: string;
  readonly visible_at: Date;
  /** When its holder got it, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** From when its expiry counts: when its holder asked for it, at the latest when the server wrote it. */
  readonly askedMs: number;
  /** The holder whose documents it has, if it was taken over. */
  readonly lost: HeldPart | undefined;
}

/** Follows the document of the ranges: it tells who holds a new document, which itself carries nothing. */
export class Ranges {
  readonly #terms: Terms;
  readonly #breaches: Breaches;
  readonly #namespace: string;
  #document: Document = {};
  #parts: readonly HeldPart[] = [];

  constructor(terms: Terms, breaches: Breaches) {
    this.#terms = terms;
    this.#breaches = breaches;
    this.#namespace = `${terms.database}.${terms.collection}_agents`;
  }

  /** Whether a write is on that document. */
  has({ id, namespace }: Write): boolean {
    return namespace === this.#namespace && id === "ranges";
  }

  write(write: Write): void {
    const { kind, o } = write;
    this.#document = kind === "delete" ? {} : kind === "insert" ? o : updated(this.#document, o);
    const { ranges = [] } = this.#document;
    this.#parts = ranges.map((range: Document) => this.#partOf(range, write));
    this.#parts.forEach((part, at) => {
      const next = this.#parts[at + 1];
      if (next && compareIds(next.from, part.to) < 0) this.#add(write, "two ranges overlap");
    });
  }

  /** The part that an `_id` is in; undefined if none has it. */
  holderOf(id: unknown): HeldPart | undefined {
    return this.#parts.find(({ from, to }) => compareIds(from, id) < 0 && compareIds(id, to) <= 0);
  }

  #partOf({ from, owner, to, token, visible_at }: Document, write: Write): HeldPart {
    const { leaseMs } = this.#terms;
    const { wall } = write;
    const range = { from, owner, to, token, visible_at };
    const known = this.#parts.find((each) => each.token === token);
    if (visible_at.getTime() > wall + leaseMs) this.#add(write, "a range ends later than a lease from now");
    if (known) return { ...known, ...range };
    const before = this.#parts.find((each) => compareIds(each.to, to) === 0);
    if (before && before.visible_at.getTime() > wall) this.#add(write, "a live range is taken over");
    if (!before && this.#document.mode !== "range") this.#add(write, "a range is added in another mode");
    this.#breaches.count(before ? "ranges taken over" : "ranges");
    const askedMs = Math.min(wall, visible_at.getTime() - leaseMs);
    return { ...range, sinceMs: wall, askedMs, lost: before && (before.lost ?? before) };
  }

  #add(write: Write, what: string): void {
    this.#breaches.add("ranges", { key: `${this.#namespace}:"ranges"`, entries: [write] }, what);
  }
}

/** The order of the types that the documents of a run have as their `_id`. */
const TYPES = ["MinKey", "number", "string", "object", "ObjectId", "boolean"];

/** As the index of `_id` has them; only for ids of these types. */
function compareIds(one: unknown, other: unknown): number {
  const [type, otherType] = [typeOf(one), typeOf(other)];
  if (type !== otherType) return TYPES.indexOf(type) - TYPES.indexOf(otherType);
  if (type === "number") return Number(one) - Number(other);
  const [text, otherText] = [textOf(one), textOf(other)];
  return text < otherText ? -1 : text > otherText ? 1 : 0;
}

function typeOf(id: unknown): string {
  const { _bsontype = typeof id } = Object(id);
  return ["Int32", "Double", "Long", "bigint"].includes(_bsontype) ? "number" : _bsontype;
}

function textOf(id: unknown): string {
  return typeof id === "string" ? id : EJSON.stringify(id, { relaxed: false });
}
