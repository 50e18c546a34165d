/** Whether two values are the same `_id` for the server. Numbers of different types may be. */
export function isSameId(one: unknown, other: unknown): boolean {
  return textOf(one) === textOf(other);
}

/** A text that two values have in common exactly if the server takes them for the same. */
function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
    case "bigint":
      return numberText(value);
    case "object":
      return value === null ? "null" : objectText(value);
    default:
      return String(value);
  }
}

function numberText(value: number | bigint): string {
  // A number and a BigInt of the same value have one text.
  return Number.isInteger(value) ? String(BigInt(value)) : String(Object.is(value, -0) ? 0 : value);
}

function objectText(value: object): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Uint8Array) return bytesText(0, value);
  // deno-lint-ignore no-explicit-any -- each of the driver's types has fields of its own
  const it = value as any;
  switch (it._bsontype) {
    case undefined:
      return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${textOf(each)}`)}}`;
    case "Int32":
    case "Double":
      return numberText(it.value);
    case "Long":
      return numberText(BigInt(it.toString()));
    case "Binary":
      return bytesText(it.sub_type, it.buffer.subarray(0, it.position));
    default:
      return `${it._bsontype}(${JSON.stringify(value)})`;
  }
}

function bytesText(subType: number, bytes: Uint8Array): string {
  // A Buffer writes itself as the text that it holds.
  return `Binary(${subType},${Array.from(bytes)})`;
}
