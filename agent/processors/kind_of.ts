/** What a value is, for messages: `undefined`, `a number`, `an array of 3`, `Map`, `an object`. Never throws. */
export function kindOf(value: unknown): string {
  try {
    if (value === null || value === undefined) return String(value);
    if (Array.isArray(value)) return `an array of ${value.length}`;
    if (typeof value !== "object") return `a ${typeof value}`;
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === "string" && /^\w{1,60}$/.test(name) && name !== "Object" ? name : "an object";
  } catch {
    return "an object that cannot be read";
  }
}
