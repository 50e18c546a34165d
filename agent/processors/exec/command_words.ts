import { UsageError } from "../../errors.ts";

/** Words that only a shell would understand. */
const SHELL_WORDS = /^(\||\|\||&|&&|;|\d*>{1,2}(&\d)?|<{1,3})$/;

/**
 * The program of `PROCESSOR=exec:` and its arguments: words with quotes, or a JSON array of texts. There is no shell, so
 * nothing in them is replaced.
 *
 * @throws {UsageError} if it names no program, or is meant for a shell.
 */
export function commandWords(text: string): [string, ...string[]] {
  const given = text.trim();
  const words = given.startsWith("[") ? listed(given) : split(given);
  const [program, ...rest] = words;
  if (program === undefined || program === "") {
    throw new UsageError(
      "PROCESSOR=exec: names no program: write exec:PROGRAM ARGUMENTS, as in exec:python3 /app/worker.py",
    );
  }
  const shellWord = given.startsWith("[") ? undefined : words.find((word) => SHELL_WORDS.test(word));
  if (shellWord !== undefined) {
    throw new UsageError(
      `PROCESSOR=exec: has the word ${shellWord}, but no shell runs the program: write the command into a script, ` +
        "or use a JSON array if the word is an argument",
    );
  }
  return [program, ...rest];
}

function listed(text: string): string[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`PROCESSOR=exec: is not a JSON array: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (Array.isArray(list) && list.every((word) => typeof word === "string" && !word.includes("\0"))) {
    return list;
  }
  throw new UsageError(
    'PROCESSOR=exec: has an array that holds more than texts: write exec:["PROGRAM", "ARGUMENT"]',
  );
}

/** A part of a word: in single quotes, in double quotes, a character after a backslash, or plain text. */
const PART = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/sy;

function split(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  while (at < text.length) {
    PART.lastIndex = at;
    const part = PART.exec(text);
    if (part) {
      const [whole, single, double, escaped, plain] = part;
      word = (word ?? "") + (single ?? double?.replace(/\\(["\\])/g, "$1") ?? escaped ?? plain);
      at += whole.length;
    } else if (/\s/.test(text[at]!)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at += 1;
    } else {
      throw new UsageError(
        `PROCESSOR=exec: has a ${
          text[at] === "\\" ? "backslash at its end" : `quote ${text[at]} that is not closed`
        }` +
          `: ${text[at] === "\\" ? "remove it" : "close it"}, or write a JSON array`,
      );
    }
  }
  return word === undefined ? words : [...words, word];
}
