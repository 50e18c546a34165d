import { BSON, type Document } from "mongodb";
import { UsageError } from "../../errors.ts";

/**
 * Parses documents in Extended JSON: an array, one document, or one on each line, as `mongoexport` writes them. A
 * document without a `status` gets `"pending"`; all other fields are kept as they are. Errors call the text `name`.
 *
 * @throws {UsageError} with the line, if it is not JSON, or holds something that is not a document
 */
export function parseDocuments(text: string, name: string): Document[] {
  const first = text.trimStart()[0];
  if (first === undefined) return [];
  if (first === "[" || isOneDocument(text)) {
    const whole = parseJson(text, name, 1);
    const values: unknown[] = Array.isArray(whole) ? whole : [whole];
    return values.map((value, index) => toDocument(value, `document ${index + 1} of ${name}`));
  }
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    return [toDocument(parseJson(line, name, index + 1), `${name}, line ${index + 1},`)];
  });
}

/** Whether the text is one document spread over several lines, rather than one document a line. */
function isOneDocument(text: string): boolean {
  const [first, next] = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (first === undefined || isJson(first)) return false;
  // Neither as a whole nor line by line: if the first line is only the start of a document, a message about the whole
  // tells more. The next line is none of the same document if it is one by itself.
  return isJson(text) || (isStart(first) && !(next?.startsWith("{") && isJson(next)));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text that is no JSON is right as far as it goes. */
function isStart(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const position = /at position (\d+)/.exec(message)?.[1];
    return /Unexpected end/.test(message) || Number(position) === text.length;
  }
}

function parseJson(text: string, name: string, firstLine: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const line = firstLine + lineOf(message, text) - 1;
    // V8 repeats part of the text and the position, which counts from the start of the piece it was given.
    const why = message.replace(/,? *(\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, "").replace(
      / (in JSON )?at position.*$/s,
      "",
    );
    throw new UsageError(`${name}, line ${line}, is not JSON: ${why}`, { cause: error });
  }
}

function lineOf(message: string, text: string): number {
  const position = /at position (\d+)/.exec(message)?.[1];
  // Without a position, the text ended too early, or one character was unexpected.
  const before = position === undefined
    ? beforeUnexpected(message, text)
    : text.trimEnd().slice(0, Number(position));
  return before.split("\n").length;
}

function beforeUnexpected(message: string, text: string): string {
  const token = /Unexpected token '(.+?)'/su.exec(message)?.[1];
  const excerpt = /"(.*)"(?:\.\.\.)? is not valid JSON$/s.exec(message)?.[1];
  const start = excerpt === undefined ? -1 : text.indexOf(excerpt);
  if (token === undefined || start === -1) return text.trimEnd();
  return text.slice(0, Math.max(start, text.indexOf(token, start)));
}

function toDocument(value: unknown, where: string): Document {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(`${where} is ${kindOf(value)}, not a document: write { ... }`);
  }
  let document: Document;
  try {
    document = BSON.EJSON.deserialize(value as Document, { relaxed: false });
  } catch (error) {
    throw new UsageError(
      `${where} is not Extended JSON (${
        error instanceof Error ? error.message : error
      }): write its values as mongoexport does`,
      {
        cause: error,
      },
    );
  }
  return "status" in document ? document : { ...document, status: "pending" };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
