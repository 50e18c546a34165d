import { errorText } from "../errors.ts";
import { type Redactor, secrets } from "../text/redact.ts";

/** This much of one text is logged, in UTF-16 units. */
const MAX_TEXT = 8000;
/** Of all the texts of a line together. */
const MAX_LINE = 32_000;
/** Of the source of a function. */
const MAX_SOURCE = 100;
/** Fields within fields. */
const MAX_DEPTH = 8;
/** Values in one line. */
const MAX_VALUES = 1000;

/** A usual name of a field: `level`, `1000`, `user.id`. It does not count against the room for texts. */
const NAME = /^[\w$.-]{1,64}$/;

/**
 * Turns the fields of one line into values that JSON can hold, for any fields, without secrets and within bounds. Texts
 * are cleaned one by one: in the finished line a password such as `true` could not be told from the line's own words.
 */
export class Loggable {
  readonly #redactor: Redactor;
  readonly #above: object[] = [];
  #room = MAX_LINE;
  #values = 0;

  constructor(redactor: Redactor = secrets) {
    this.#redactor = redactor;
  }

  /** A text as the line holds it. */
  text(text: string): string {
    const clean = this.#redactor.text(text, Math.max(1, Math.min(MAX_TEXT, this.#room)));
    this.#room -= clean.length;
    return clean;
  }

  /** The fields as the line holds them, without those that are undefined. Never throws. */
  fields(fields: object): Record<string, unknown> {
    return this.#object(readableEntries(fields));
  }

  #value(value: unknown): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
    if (typeof value === "bigint") return String(value);
    if (typeof value === "symbol" || typeof value === "function") {
      return this.#redactor.text(String(value), MAX_SOURCE);
    }
    if (typeof value !== "object" || value === null) return value;
    if (this.#above.includes(value)) return "(circular)";
    if (this.#above.length >= MAX_DEPTH || this.#room <= 0) return "(more)";
    this.#above.push(value);
    try {
      return this.#composed(value);
    } catch {
      return "(unreadable)";
    } finally {
      this.#above.pop();
    }
  }

  #composed(value: object): unknown {
    if (value instanceof Error) return this.text(errorText(value));
    if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
    if (value instanceof Map) return this.#object([...value].map(([key, each]) => [String(key), each]));
    if (value instanceof Set) return this.#list([...value]);
    if (Array.isArray(value)) return this.#list(value);
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") return this.#value(toJSON.call(value, ""));
    return this.#object(readableEntries(value));
  }

  #list(list: readonly unknown[]): unknown[] {
    const said: unknown[] = [];
    for (const each of list) {
      if (!this.#hasRoom()) return [...said, "(more)"];
      said.push(each === undefined ? null : this.#value(each));
    }
    return said;
  }

  #object(entries: Iterable<[string, unknown]>): Record<string, unknown> {
    const said = new Map<string, unknown>();
    for (const [key, each] of entries) {
      if (each === undefined) continue;
      if (!this.#hasRoom()) {
        said.set("(more)", true);
        break;
      }
      said.set(this.#name(key, said), this.#value(each));
    }
    return Object.fromEntries(said);
  }

  /**
   * The name of a field as the line holds it: a secret may be a name, too. Two names that are the same once cleaned
   * stay two.
   */
  #name(key: string, taken: ReadonlyMap<string, unknown>): string {
    const clean = NAME.test(key) ? this.#redactor.text(key) : this.text(key);
    if (!taken.has(clean)) return clean;
    let count = 2;
    while (taken.has(`${clean} (${count})`)) count += 1;
    return `${clean} (${count})`;
  }

  #hasRoom(): boolean {
    this.#values += 1;
    return this.#values <= MAX_VALUES && this.#room > 0;
  }
}

/** The fields of a value, one by one: a field that cannot be read hides no other. */
export function* readableEntries(value: object): Generator<[string, unknown]> {
  for (const key of Object.keys(value)) {
    let each: unknown;
    try {
      each = (value as Record<string, unknown>)[key];
    } catch {
      each = "(unreadable)";
    }
    yield [key, each];
  }
}
