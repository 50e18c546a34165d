import type { BSONSerializeOptions } from "mongodb";

/**
 * How the agent's own reads and writes turn BSON into JavaScript and back, for any connection string: its code compares
 * what it reads. Every option of the driver for this is here, so that the URI decides none of them. Regular expressions
 * keep the flags that JavaScript does not have: an `_id` may hold one.
 */
export const OWN_BSON = {
  bsonRegExp: true,
  enableUtf8Validation: false,
  fieldsAsRaw: {},
  ignoreUndefined: true,
  promoteBuffers: false,
  promoteLongs: true,
  promoteValues: true,
  raw: false,
  serializeFunctions: false,
  useBigInt64: false,
} as const satisfies BSONSerializeOptions;

/** Reads values with their BSON types kept. */
export const EXACT_BSON = {
  bsonRegExp: true,
  promoteLongs: false,
  promoteValues: false,
  validation: { utf8: false },
} as const;

/** The names of these options in lower case: the URI may write them in any case. */
export const OWN_BSON_NAMES: ReadonlySet<string> = new Set(
  Object.keys(OWN_BSON).map((name) => name.toLowerCase()),
);
