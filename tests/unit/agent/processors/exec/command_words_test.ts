import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../../../../agent/errors.ts";
import { commandWords } from "../../../../../agent/processors/exec/command_words.ts";

const WORDS: [string, string[]][] = [
  ["python3 /app/worker.py", ["python3", "/app/worker.py"]],
  ["  a   b\t c ", ["a", "b", "c"]],
  [`sh -c 'while read line; do echo "$line"; done'`, ["sh", "-c", `while read line; do echo "$line"; done`]],
  [`p "two words" '' x"y"'z'`, ["p", "two words", "", "xyz"]],
  [`p "a \\" b \\\\ c \\n" d\\ e`, ["p", `a " b \\ c \\n`, "d e"]],
  ["p $HOME *.txt ~", ["p", "$HOME", "*.txt", "~"]],
  [`["p", "a b", "", "|", "'"]`, ["p", "a b", "", "|", "'"]],
  ["p a|b", ["p", "a|b"]],
];

for (const [text, words] of WORDS) {
  Deno.test(`commandWords() splits ${text}`, () => assertEquals(commandWords(text) as string[], words));
}

const REFUSED: [string, string][] = [
  ["", "names no program"],
  ["  ", "names no program"],
  ["''", "names no program"],
  ["[]", "names no program"],
  [`[""]`, "names no program"],
  ["[1]", "holds more than texts"],
  [`["a", null]`, "holds more than texts"],
  [`["a\\u0000"]`, "holds more than texts"],
  ["[a]", "is not a JSON array"],
  ["p 'a", "quote ' that is not closed"],
  [`p "a\\"`, `quote " that is not closed`],
  ["p a\\", "a backslash at its end"],
  ["p | q", "no shell runs"],
  ["p 2>&1", "no shell runs"],
  ["p && q", "no shell runs"],
  ["p ; q", "no shell runs"],
  ["p > file", "no shell runs"],
];

for (const [text, why] of REFUSED) {
  Deno.test(`commandWords() refuses ${JSON.stringify(text)}`, () => {
    assertStringIncludes(assertThrows(() => commandWords(text), UsageError).message, why);
  });
}
