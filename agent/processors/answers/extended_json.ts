import type { EJSON } from "bson";
import { errorText, PermanentError } from "../../errors.ts";
import { withExactIntegers } from "../../lib/exact_integers.ts";
import { keepConditions } from "../../lib/regex_operators.ts";
import type { Document } from "../../ports.ts";

/** The largest answer that is read, in bytes. No document is larger than that. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** A text without these has no integer that JavaScript would round, and nothing that the driver would cut. */
const MAY_BE_INEXACT = /\d{16}|\$numberLong|\$regex/;

const [MIN_LONG, MAX_LONG] = [-(2n ** 63n), 2n ** 63n - 1n];

/**
 * Relaxed Extended JSON, read and written without a loss: integers beyond 2^53 stay what they are. The package that
 * knows it is loaded only for processors that need it.
 */
export class ExtendedJson {
  readonly #ejson: typeof EJSON;

  private constructor(ejson: typeof EJSON) {
    this.#ejson = ejson;
  }

  /** Loads what is needed. */
  static async load(): Promise<ExtendedJson> {
    return new ExtendedJson((await import("bson")).EJSON);
  }

  /**
   * The value of a text, or of its bytes as UTF-8. Of two fields with one name, the last one counts. 64-bit integers
   * become `bigint`.
   *
   * @throws {AnswerTextError} If it is larger than {@linkcode MAX_ANSWER_BYTES}, no UTF-8, no JSON, or has a value that
   * the database cannot hold.
   */
  parse(answer: string | Uint8Array): unknown {
    // Each UTF-16 unit of a text makes one byte at least.
    if (answer.length > MAX_ANSWER_BYTES) throw new AnswerTextError("is larger than 16 MiB");
    const text = typeof answer === "string" ? answer : decoded(answer);
    try {
      const exact = MAY_BE_INEXACT.test(text) ? JSON.stringify(JSON.parse(text, exactly)) : text;
      return this.#ejson.parse(exact, { relaxed: true, useBigInt64: true });
    } catch (error) {
      const why = errorText(error) + (NOT_IN_JSON.test(text) ? HOW_TO_WRITE_NAN : "");
      throw new AnswerTextError(`cannot be read as JSON: ${why}`, { cause: error });
    }
  }

  /**
   * A document as one line of text.
   *
   * @throws {PermanentError} If it holds a value that has no text, such as a date beyond the dates of JavaScript.
   */
  stringify(document: Document): string {
    try {
      refuseInvalidDates(document, []);
      return this.#ejson.stringify(withExactIntegers(document), { relaxed: true });
    } catch (error) {
      throw new PermanentError(`The document cannot be written as JSON: ${errorText(error)}`, {
        cause: error,
      });
    }
  }
}

/** An answer is no text that the agent can read. A retry may bring another. */
export class AnswerTextError extends Error {
  override readonly name = "AnswerTextError";

  constructor(why: string, options?: ErrorOptions) {
    super(`The answer ${why}`, options);
  }
}

/** What programs in some languages write although JSON has no such values. */
const NOT_IN_JSON = /[:[,]\s*(NaN|-?Infinity)\b/;
const HOW_TO_WRITE_NAN = ` (JSON has no NaN and no Infinity: write {"$numberDouble": "NaN"})`;

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AnswerTextError("is not UTF-8", { cause: error });
  }
}

/** A reviver that writes each value that would be rounded or cut in a way that keeps it. */
function exactly(this: unknown, key: string, value: unknown, context?: { source?: string }): unknown {
  if (key === "$numberLong" && typeof value === "string" && /^-?\d+$/.test(value)) {
    within64Bits(BigInt(value));
  }
  if (typeof value !== "number") return keepConditions(value);
  if (Object.is(value, -0)) return { $numberDouble: "-0.0" };
  if (!Number.isFinite(value)) return { $numberDouble: String(value) };
  const source = context?.source ?? "";
  if (Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value;
  const integer = BigInt(source);
  // Many programs write a large floating-point number with all of its digits.
  if ((integer < MIN_LONG || integer > MAX_LONG) && BigInt(value) === integer) return value;
  return { $numberLong: String(within64Bits(integer)) };
}

function within64Bits(integer: bigint): bigint {
  if (integer >= MIN_LONG && integer <= MAX_LONG) return integer;
  throw new RangeError(
    `${integer} is an integer of more than 64 bits: write it as text, or as {"$numberDecimal": "${integer}"}`,
  );
}

function refuseInvalidDates(value: unknown, path: readonly string[]): void {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Date) {
    if (!Number.isNaN(value.getTime())) return;
    throw new RangeError(`${path.join(".")} is a date beyond the year 275760`);
  }
  if ("_bsontype" in value || ArrayBuffer.isView(value)) return;
  for (const [name, each] of Object.entries(value)) refuseInvalidDates(each, [...path, name]);
}
