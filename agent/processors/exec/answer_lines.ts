import { kindOf } from "../kind_of.ts";
import type { Answers } from "../answers/answers.ts";
import type { AnswerReader, ProgramNote } from "./program_call.ts";

/** What a line of a program says of a document, or of a batch: not checked yet. */
export interface ProgramAnswer {
  /** What became of it: the field `result`, or else the failure that the line is. */
  readonly result: unknown;
}

/** What a line has that says how far the work on a document is. */
const NOTES = ["checkpoint", "progress"];
const NAMES_OF_NOTES = new Set([...NOTES, "text"]);

/**
 * Reads the lines of programs: `{"id", "ok": true, "result"?}`, or `{"id", "ok": false, "error", "permanent"?,
 * "retryAfterMs"?}`; and before that `{"id", "checkpoint"}` and `{"id", "progress", "text"?}`. Only what says which document is meant, and that it is an answer, is checked here: a program that
 * fails in that may be out of step. What it says of the document is checked later, and fails that document alone.
 */
export class AnswerLines implements AnswerReader<ProgramAnswer> {
  readonly #answers: Answers;

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  read(line: Uint8Array): ReturnType<AnswerReader<ProgramAnswer>["read"]> {
    const value = this.#answers.valueOf(line);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Error(`it must be an object as {"id": "1", "ok": true}, not ${kindOf(value)}`);
    }
    const { id, result, ...rest } = value as Record<string, unknown>;
    if (typeof id !== "string") {
      throw new Error(`the field "id" must be the text of the line that it answers`);
    }
    if (rest.ok === undefined && NOTES.some((name) => name in rest)) {
      return { id, note: noteOf(rest, result) };
    }
    if (typeof rest.ok !== "boolean") throw new Error('the field "ok" must be true or false');
    // A failure has its own fields, and everything unknown is refused with the result.
    return {
      id,
      answer: { result: rest.ok && isPlainSuccess(rest) ? result : { ...rest, ...named(result) } },
    };
  }
}

function noteOf(rest: Record<string, unknown>, result: unknown): ProgramNote {
  const wrong = result === undefined ? Object.keys(rest).find((name) => !NAMES_OF_NOTES.has(name)) : "result";
  if (wrong === undefined) return rest;
  throw new Error(`the field ${JSON.stringify(wrong)} means nothing beside "checkpoint" and "progress"`);
}

function isPlainSuccess(rest: Record<string, unknown>): boolean {
  return Object.keys(rest).every((name) => name === "ok");
}

function named(result: unknown): { result?: unknown } {
  return result === undefined || result === null ? {} : { result };
}
