import type { Document } from "../../ports.ts";
import { kindOf } from "../kind_of.ts";
import type { ProcessorResult } from "../processor.ts";
import { answeredResult } from "./answered.ts";
import { AnswerTextError, ExtendedJson } from "./extended_json.ts";

/** An entry of a batch: the result of its document, or the failure of its document alone. */
export type AnsweredEntry = ProcessorResult | Error;

/**
 * The door for processors outside of this process: documents leave as text, and answers come back as text. What comes
 * out is what a module could have returned or thrown, and it is checked further as that is.
 */
export class Answers {
  readonly #json: ExtendedJson;

  private constructor(json: ExtendedJson) {
    this.#json = json;
  }

  /** Loads what is needed to read and write Extended JSON. */
  static async load(): Promise<Answers> {
    return new Answers(await ExtendedJson.load());
  }

  /**
   * The result that an answer is. An empty answer means done: see {@linkcode answeredResult}.
   *
   * @throws {AnsweredError} The failure that it is.
   * @throws {AnswerTextError} If it cannot be read.
   * @throws {PermanentError} If it can be read, and is no answer.
   */
  answerOf(answer: string | Uint8Array): ProcessorResult {
    return isBlank(answer) ? {} : answeredResult(this.valueOf(answer));
  }

  /**
   * The entries of an answer to a batch of `count` documents, in their order. Each may fail alone. An empty answer means
   * that all are done.
   *
   * @throws {AnsweredError} If the answer as a whole is a failure.
   * @throws {Error} If it has not one entry for each document: it is not known which entry belongs to which.
   */
  batchAnswerOf(answer: string | Uint8Array, count: number): AnsweredEntry[] {
    return this.entriesOf(isBlank(answer) ? null : this.valueOf(answer), count);
  }

  /**
   * The same for a value that was read already, such as a part of a line.
   *
   * @throws As {@linkcode Answers.batchAnswerOf}.
   */
  entriesOf(value: unknown, count: number): AnsweredEntry[] {
    if (value === null || value === undefined) return Array.from({ length: count }, () => ({}));
    if (Array.isArray(value) && value.length === count) return value.map(entryOf);
    // An object may be the failure of all: then this throws it.
    if (!Array.isArray(value)) answeredResult(value);
    throw new AnswerTextError(
      `must be an array with an entry for each of the ${count} documents, not ${kindOf(value)}`,
    );
  }

  /**
   * The value of a text in Extended JSON.
   *
   * @throws {AnswerTextError} If it cannot be read.
   */
  valueOf(answer: string | Uint8Array): unknown {
    return this.#json.parse(answer);
  }

  /**
   * A document as relaxed Extended JSON, on one line.
   *
   * @throws {PermanentError} If it holds a value that has no text.
   */
  documentText(document: Document): string {
    return this.#json.stringify(document);
  }
}

/** Nothing but spaces and line ends. */
function isBlank(answer: string | Uint8Array): boolean {
  return typeof answer === "string" ? answer.trim() === "" : answer.every((byte) => BLANKS.includes(byte));
}

/** Space, tab, line feed and carriage return. */
const BLANKS = [0x20, 0x09, 0x0a, 0x0d];

function entryOf(value: unknown): AnsweredEntry {
  try {
    return answeredResult(value);
  } catch (error) {
    return error as Error;
  }
}
