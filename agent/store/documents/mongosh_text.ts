import { BSON } from "mongodb";
import { isPlain } from "../../lib/plain_object.ts";
import { isLong } from "./exact_json.ts";
import { printable } from "../../text/terminal_text.ts";

/** A collection, as mongosh names it, of any database that is in use there. */
export function collectionText(database: string, collection: string): string {
  return `${databaseText(database)}.getCollection(${literal(collection)})`;
}

/** A database, as mongosh names it. */
export function databaseText(database: string): string {
  return `db.getSiblingDB(${literal(database)})`;
}

/** A value as mongosh reads it, in one line that can be copied. */
export function literal(value: unknown): string {
  if (typeof value === "string") return printable(JSON.stringify(value));
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "bigint" || isLong(value)) return `NumberLong("${value}")`;
  if (value === null || value === undefined || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (value instanceof Date) return dateText(value);
  return valueText(value) ?? (isPlain(value) ? objectText(value) : extendedText(value));
}

function dateText(date: Date): string {
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9999 ? `ISODate("${date.toISOString()}")` : `new Date(${date.getTime()})`;
}

function valueText(value: unknown): string | undefined {
  if (value instanceof BSON.ObjectId) return `ObjectId("${value.toHexString()}")`;
  if (value instanceof BSON.Decimal128) return `NumberDecimal("${value}")`;
  if (value instanceof BSON.Int32 || value instanceof BSON.Double) return literal(value.valueOf());
  if (value instanceof BSON.MinKey) return "MinKey()";
  if (value instanceof BSON.MaxKey) return "MaxKey()";
  if (!(value instanceof BSON.Binary)) return undefined;
  const isUuid = value.sub_type === BSON.Binary.SUBTYPE_UUID && value.length() === 16;
  return isUuid
    ? `UUID("${value.toUUID().toHexString()}")`
    : `BinData(${value.sub_type}, "${value.toString("base64")}")`;
}

function objectText(value: Record<string, unknown>): string {
  const fields = Object.entries(value).map(([name, inner]) => `${nameText(name)}: ${literal(inner)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

function nameText(name: string): string {
  if (/^[A-Za-z_$][\w$]*$/.test(name) && name !== "__proto__") return name;
  // By a plain name it would be the prototype.
  return name === "__proto__" ? `["__proto__"]` : literal(name);
}

/** For types that mongosh has no short way to write. */
function extendedText(value: unknown): string {
  const json = BSON.EJSON.stringify(value, { relaxed: false });
  return `EJSON.parse(${literal(json)}, { relaxed: false })`;
}
