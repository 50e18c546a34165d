/** The major version of the bson package whose values the driver writes. */
const BSON_MAJOR = 7;
const VERSION = Symbol.for("@@mdb.bson.version");

/** Sizes of values of the driver's own types that are always of the same size, in bytes. */
const FIXED: Record<string, number> = {
  ObjectId: 12,
  Long: 8,
  Timestamp: 8,
  Double: 8,
  Int32: 4,
  Decimal128: 16,
  MinKey: 0,
  MaxKey: 0,
};

const VARIABLE = ["Binary", "BSONRegExp", "BSONSymbol", "Code", "DBRef"];

/** Why the driver cannot write a value that claims to be of its own type `tag`; undefined if it can. */
export function bsonValueProblem(value: object, tag: unknown): string | undefined {
  const isKnown = typeof tag === "string" && (Object.hasOwn(FIXED, tag) || VARIABLE.includes(tag));
  const major = (value as Record<symbol, unknown>)[VERSION];
  if (major === undefined && Object.hasOwn(value, "_bsontype")) {
    return "has a field _bsontype, a name that the driver keeps for itself: rename it";
  }
  if (!isKnown) return `is of the type ${String(tag)}, which cannot be written`;
  if (major !== BSON_MAJOR) {
    const other = major === undefined ? "older than 5" : String(major);
    return `is an ${tag} of another version of the package bson (${other}): use version ${BSON_MAJOR}`;
  }
  // The type that is written is signed: the value would come back as another.
  const { unsigned, high } = value as { unsigned?: boolean; high?: number };
  if (tag === "Long" && unsigned && high! < 0) {
    return "is an unsigned Long that does not fit into 64 bits with a sign: write it as text, or as a Decimal128";
  }
  return undefined;
}

/**
 * A copy of a value of the driver's own type, with bytes of its own. Each part is read once. The values within it are
 * those of the original still: {@linkcode bsonValueSize} puts copies in their place.
 */
export function bsonValueCopy(value: object): object {
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(value));
  for (const key of Object.keys(value)) {
    const part = (value as Record<string, unknown>)[key];
    const own = part instanceof Uint8Array ? new Uint8Array(part) : part;
    // If the class has a getter of that name, there is nothing to assign to.
    if (key in copy) Object.defineProperty(copy, key, { value: own, writable: true });
    else copy[key] = own;
  }
  return copy;
}

/** How the parts of a value are looked at. */
export interface Parts {
  /** Checks a text; returns its bytes. */
  text(text: string): number;
  /** Checks, and counts, a value within; returns a copy of it. */
  nested(name: string, value: unknown): unknown;
}

/**
 * The size of a value that has no {@linkcode bsonValueProblem}, in bytes, without what `nested` counts. What is within the
 * value becomes what `nested` returns.
 */
export function bsonValueSize(value: object, { text, nested }: Parts): number {
  // deno-lint-ignore no-explicit-any -- each type has fields of its own
  const it = value as any;
  const fixed = FIXED[it._bsontype];
  if (fixed !== undefined) return fixed;
  switch (it._bsontype) {
    case "Binary":
      return it.position + (it.sub_type === 2 ? 9 : 5);
    case "BSONRegExp":
      return text(it.pattern) + text(it.options) + 2;
    case "BSONSymbol":
      return text(it.value) + 5;
    case "Code":
      if (it.scope === null || it.scope === undefined) return text(it.code) + 5;
      // Its name is not written.
      it.scope = nested("", it.scope);
      return text(it.code) + 7;
    default:
      it.oid = nested("$id", it.oid);
      it.fields = Object.fromEntries(
        Object.entries(it.fields ?? {}).map(([name, within]) => [name, nested(name, within)]),
      );
      return 5 + text(it.collection) + 11 + (it.db ? text(it.db) + 10 : 0);
  }
}
