import { assertEquals } from "@std/assert";
import { checkWords, houseWordsIn } from "../../scripts/house_words.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("houseWordsIn() reports each forbidden word in any case, and only whole words", () => {
  assertEquals(houseWordsIn("Nobody knows. At the most ten, said somebody's agent"), [
    'says "Nobody": say no one, no agent, no handler',
    'says "At the most": say at most',
    'says "somebody": say another agent, another process, you',
  ]);
  assertEquals(houseWordsIn("At most ten, another agent, at the mostly empty end"), []);
  assertEquals(houseWordsIn("The id; undefined where there is none. Handed back"), [
    'says "undefined where": say if',
    'says "Handed back": say released',
  ]);
  assertEquals(houseWordsIn("The place where it is written, and where it goes"), []);
});

Deno.test("checkWords() names the line in documents, and passes over code and history", async () => {
  await using dir = await TempDir.make();
  const text = "fine\n\n```sh\necho whatever\n```\n\nThe user `nobody` is fine, whoever runs it.\n";
  await dir.write("README.md", text);
  await dir.write("CHANGELOG.md", text);
  assertEquals(await checkWords(dir.path, ["README.md", "CHANGELOG.md"]), [
    'README.md:7 says "whoever": say the caller, another agent, you',
  ]);
});

Deno.test("checkWords() names the line of a comment in TypeScript, scripts and manifests, and passes over code", async () => {
  await using dir = await TempDir.make();
  const sources = {
    "any.ts": [
      "/**",
      " * Calls whoever waits.",
      " * The user `nobody` is fine.",
      " */",
      "const nobody = 'somebody'; // for ever",
      "  // told of",
      "/** Of ours. */",
    ],
    "any.sh": ["#!/bin/sh", "# wherever it is", 'echo "nobody" # elsewhere'],
    "any.yaml": ["name: nobody", "  # whatever"],
    "any.json": ["whatever"],
  };
  for (const [path, lines] of Object.entries(sources)) await dir.write(path, lines.join("\n"));
  assertEquals(await checkWords(dir.path, Object.keys(sources)), [
    'any.ts:2 says "whoever": say the caller, another agent, you',
    'any.ts:5 says "for ever": say forever',
    'any.ts:6 says "told of": say reported, logged',
    'any.ts:7 says "Of ours": say its own, the agent\'s',
    'any.sh:2 says "wherever": say the place itself',
    'any.sh:3 says "elsewhere": say the place itself',
    'any.yaml:2 says "whatever": say any, or name what it is',
  ]);
});
