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
});

Deno.test("checkWords() names the line in documents, and passes over code, history and sources", async () => {
  await using dir = await TempDir.make();
  const text = "fine\n\n```sh\necho whatever\n```\n\nThe user `nobody` is fine, whoever runs it.\n";
  await dir.write("README.md", text);
  await dir.write("CHANGELOG.md", text);
  await dir.write("main.ts", text);
  assertEquals(await checkWords(dir.path, ["README.md", "CHANGELOG.md", "main.ts"]), [
    'README.md:7 says "whoever": say the caller, another agent, you',
  ]);
});
