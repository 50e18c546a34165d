import { errorText } from "../errors.ts";
import { detached } from "../lib/detached.ts";
import { byteLength } from "../text/utf8.ts";
import { bsonValueCopy, bsonValueProblem, bsonValueSize } from "./bson_value.ts";
import { kindOf } from "./kind_of.ts";
import { resultRefusal } from "./result_refusal.ts";

/** Levels of embedded documents and arrays that a field may have on a server, those of a dotted name included. */
const MAX_DEPTH = 180;

/** What to write instead of values that have no type in the database. */
const INSTEAD: Record<string, string> = {
  Map: "write Object.fromEntries(map)",
  Set: "write [...set]",
  Promise: "await it",
  Error: "write its message",
  ArrayBuffer: "write new Uint8Array(buffer)",
  String: "write the text itself",
  Number: "write the number itself",
  Boolean: "write true or false",
};

/**
 * Copies what a processor wants written, and measures it. The copy holds only what the database writes
 * exactly as it is; any other value is an error that names its place. Each value is read once, so that neither a getter
 * nor a module that changes its object later can replace a value that was checked.
 */
export class ExactCopy {
  /** Size of what was copied so far as BSON, in bytes. */
  sizeBytes = 5;
  readonly #path: (string | number)[] = [];
  #isRefused = false;
  readonly #options: CopyOptions;

  constructor(options: CopyOptions) {
    this.#options = options;
  }

  /**
   * Copies the field `name`, which may be a dotted path, from one object to another; nothing when it is undefined.
   *
   * @throws {PermanentError} When it cannot be written as it is.
   */
  field(name: string, from: object, to: object): void {
    this.#reading(() => this.#field(name, from, to, levelsOf(name)));
  }

  /**
   * A copy of a list of objects, in which the fields of what is `levels` deep within them are those of a document.
   *
   * @throws {PermanentError} When it cannot be written as it is.
   */
  list(from: readonly unknown[], levels: number): unknown[] {
    return this.#reading(() => this.#array(from, -levels));
  }

  /**
   * A copy of a value that will lie `depth` levels deep in its document.
   *
   * @throws {PermanentError} When it cannot be written as it is.
   */
  value(value: unknown, depth: number): unknown {
    return this.#reading(() => this.#value(value, depth));
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (this.#isRefused) throw error;
      // A getter or a proxy threw. The path still tells the place.
      return this.#refuse(`cannot be read: ${errorText(error)}`, { cause: error });
    }
  }

  /** Ends the processing of the document: a retry would return the same. */
  #refuse(why: string, options?: ErrorOptions): never {
    this.#isRefused = true;
    const { refusal = resultRefusal } = this.#options;
    throw refusal(`${this.#place()} ${why}`, options);
  }

  /** A field that is undefined is left out, as JSON does: read back, it is undefined again. */
  #field(name: string, from: object, to: object, depth: number): void {
    this.#path.push(name);
    const value = (from as Record<string, unknown>)[name];
    if (value !== undefined) {
      this.#count(2 + this.#name(name));
      assign(to, name, this.#value(value, depth));
    } else if (this.#options.mustBeGiven?.(this.#path)) {
      this.#refuse("is undefined, and would be left out: give it a value");
    }
    this.#path.pop();
  }

  #value(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "string":
        this.#count(5 + this.#text(value));
        return detached(value);
      case "number":
        this.#count((value | 0) === value && !Object.is(value, -0) ? 4 : 8);
        return value;
      case "boolean":
        this.#count(1);
        return value;
      case "bigint":
        if (BigInt.asIntN(64, value) !== value) {
          this.#refuse("is a BigInt of more than 64 bits: write it as text, or as a Decimal128");
        }
        this.#count(8);
        return value;
      case "object":
        return value === null ? null : this.#object(value, depth);
      case "undefined":
        return this.#refuse("is undefined: write null");
      default:
        return this.#refuse(`is a ${typeof value}, which cannot be written`);
    }
  }

  #object(value: object, depth: number): unknown {
    if (depth > MAX_DEPTH) {
      this.#refuse(`is more than ${MAX_DEPTH} levels deep, or contains itself`);
    }
    if (Array.isArray(value)) return this.#array(value, depth);
    const tag = (value as { _bsontype?: unknown })._bsontype;
    if (tag !== undefined && tag !== null) return this.#bsonValue(value, tag, depth);
    if (isPlain(value)) return this.#plain(value, depth);
    if (value instanceof Date) return this.#date(value);
    if (value instanceof RegExp) return this.#regExp(value);
    if (value instanceof Uint8Array) {
      this.#count(5 + value.length);
      return new Uint8Array(value);
    }
    const toBSON = (value as { toBSON?: unknown }).toBSON;
    if (typeof toBSON === "function") return this.#value(toBSON.call(value), depth + 1);
    const kind = value instanceof Error ? "Error" : kindOf(value);
    const instead = INSTEAD[kind] ?? (ArrayBuffer.isView(value) ? "write Array.from(it)" : undefined);
    return this.#refuse(
      `is ${kindOf(value)}, which cannot be written: ${instead ?? "write a plain object of its fields"}`,
    );
  }

  #array(value: readonly unknown[], depth: number): unknown[] {
    this.#count(5);
    const { length } = value;
    const copy: unknown[] = [];
    for (let index = 0; index < length; index++) {
      this.#path.push(index);
      this.#count(2 + String(index).length);
      copy.push(this.#value(value[index], depth + 1));
      this.#path.pop();
    }
    return copy;
  }

  #plain(value: object, depth: number): object {
    this.#count(5);
    const copy = {};
    for (const key of Object.keys(value)) this.#field(key, value, copy, depth + 1);
    for (const symbol of Object.getOwnPropertySymbols(value)) {
      if (!Object.prototype.propertyIsEnumerable.call(value, symbol)) continue;
      this.#refuse(`has a symbol for a name, ${String(symbol)}: write text`);
    }
    return copy;
  }

  #date(value: Date): Date {
    const ms = Date.prototype.getTime.call(value);
    if (Number.isNaN(ms)) this.#refuse("is an invalid Date");
    this.#count(8);
    return new Date(ms);
  }

  #regExp(value: RegExp): RegExp {
    const { source, flags } = value;
    // The driver writes "g" as another option, and drops all others.
    if (/[^im]/.test(flags)) {
      this.#refuse(`is a regular expression with the flags "${flags}": only i and m can be written`);
    }
    this.#count(2 + this.#name(source) + flags.length);
    return new RegExp(source, flags);
  }

  #bsonValue(value: object, tag: unknown, depth: number): unknown {
    const problem = bsonValueProblem(value, tag);
    if (problem !== undefined) this.#refuse(problem);
    const copy = bsonValueCopy(value);
    this.#count(bsonValueSize(copy, {
      text: (text) => this.#text(text),
      nested: (name, nested) => this.#nested(name, nested, depth + 1),
    }));
    return copy;
  }

  #nested(name: string, value: unknown, depth: number): unknown {
    const copied: Record<string, unknown> = Object.create(null);
    this.#field(name, { [name]: value }, copied, depth);
    return copied[name];
  }

  /** Bytes of a text that must not contain NUL: a name, or a pattern. */
  #name(text: string): number {
    if (text.includes("\0")) this.#refuse("contains a NUL character where none can be written");
    return this.#text(text);
  }

  #text(text: string): number {
    const bytes = text.length > SHORT ? byteLength(text) : utf8Length(text);
    // One byte a character: nothing but ASCII.
    if (bytes > text.length && !text.isWellFormed()) {
      this.#refuse("contains half a character (a lone surrogate)");
    }
    return bytes;
  }

  #count(bytes: number): void {
    this.sizeBytes += bytes;
    if (this.sizeBytes > this.#options.maxBytes) {
      this.#path.length = 0;
      this.#refuse(this.#options.tooLarge);
    }
  }

  #place(): string {
    return this.#path.reduce<string>(
      (text, key) => text + (typeof key === "number" ? `[${key}]` : `.${printable(key)}`),
      this.#options.whole,
    );
  }
}

/** What is copied. */
export interface CopyOptions {
  /** Its name in messages. */
  readonly whole: string;
  /** Its largest size as BSON, in bytes. */
  readonly maxBytes: number;
  /** What is said of a larger one, after its name. */
  readonly tooLarge: string;
  /** The error that says why it cannot be written; that of a result if it is left out. */
  readonly refusal?: typeof resultRefusal;
  /** Whether the field at this place must not be left out if it is undefined. */
  readonly mustBeGiven?: (path: readonly (string | number)[]) => boolean;
}

/** Sets a field, one that is named `__proto__` included. */
function assign(target: object, name: string, value: unknown): void {
  if (name !== "__proto__") (target as Record<string, unknown>)[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Whether it is an object as `{}` makes it, of any realm, rather than an instance of a class. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** Names in messages at most, in characters. */
const MAX_NAME = 80;

function printable(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}...` : name;
}

function levelsOf(name: string): number {
  let levels = 1;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) levels += 1;
  return levels;
}

/** Below this length counting here is faster than a call of the runtime. */
const SHORT = 200;

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // The two halves of a pair make four bytes together.
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
