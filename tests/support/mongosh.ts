/** Runs what a mongosh prompt would run, as far as the commands that the product prints need it. */

import {
  Binary,
  BSON,
  Decimal128,
  type Document,
  Long,
  MaxKey,
  MinKey,
  type MongoClient,
  ObjectId,
  UUID,
} from "mongodb";

/** The values that mongosh has names for. */
const GLOBALS: Record<string, unknown> = {
  ObjectId: (hex?: string) => new ObjectId(hex),
  ISODate: (text: string) => new Date(text),
  UUID: (hex: string) => new UUID(hex).toBinary(),
  BinData: (type: number, base64: string) => Binary.createFromBase64(base64, type),
  NumberLong: (text: string) => Long.fromString(text),
  NumberDecimal: (text: string) => Decimal128.fromString(text),
  MinKey: () => new MinKey(),
  MaxKey: () => new MaxKey(),
  EJSON: BSON.EJSON,
};

/** Runs statements of mongosh, one after the other, and returns what the last one resolves to. */
export async function mongosh(client: MongoClient, text: string): Promise<unknown> {
  const db = {
    getSiblingDB: (name: string) => ({
      getCollection: (collection: string) => client.db(name).collection(collection),
      runCommand: (command: Document) => client.db(name).command(command),
    }),
  };
  let last: unknown;
  // The product separates statements by `; db.`.
  for (const statement of text.split(/; (?=db\.getSiblingDB)/)) last = await evaluated(statement, { db });
  return last;
}

/** The value of an expression of mongosh. */
export function evaluated(expression: string, others: Record<string, unknown> = {}): unknown {
  const values = { ...GLOBALS, ...others };
  return new Function(...Object.keys(values), `return (${expression});`)(...Object.values(values));
}
