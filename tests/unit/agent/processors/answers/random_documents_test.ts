import { assert, assertEquals } from "@std/assert";
import { BSON } from "mongodb";
import { PermanentError } from "../../../../../agent/errors.ts";
import { Answers } from "../../../../../agent/processors/answers/answers.ts";
import { OWN_BSON } from "../../../../../agent/store/documents/own_bson.ts";
import { PYTHON } from "../../../../support/languages.ts";
import { isMissing } from "../../../../support/optional.ts";
import { randomDocument } from "../../../../support/random_bson.ts";
import { rounds, testRandom } from "../../../../support/random.ts";

const SEED = 20261127;
const ROUNDS = rounds(375);

/** Documents as the store reads them, with their texts. */
function textsOf(answers: Answers): { document: BSON.Document; text: string }[] {
  const random = testRandom(SEED);
  const found: { document: BSON.Document; text: string }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let document: BSON.Document;
    try {
      document = BSON.deserialize(randomDocument(random), { ...OWN_BSON, validation: { utf8: false } });
    } catch {
      // No processor is given a document that cannot be read.
      continue;
    }
    try {
      found.push({ document, text: answers.documentText(document) });
    } catch (error) {
      assert(error instanceof PermanentError, `round ${round}: ${Deno.inspect(error)}`);
    }
  }
  assert(found.length > ROUNDS / 4, `only ${found.length} documents have a text`);
  return found;
}

Deno.test(`documentText() makes one line of any document, and valueOf() the same text again: seed ${SEED}`, async () => {
  const answers = await Answers.load();
  for (const { text } of textsOf(answers)) {
    assert(!text.includes("\n"), text);
    let read: unknown;
    try {
      read = answers.valueOf(text);
    } catch {
      // Names such as $oid in a user's own objects look like values.
      assert(text.includes('"$'), text);
      continue;
    }
    if (!text.includes('"$')) assertEquals(JSON.stringify(read), text);
  }
});

Deno.test({
  name: `documentText() writes what the json of Python reads, and writes back the same: seed ${SEED}`,
  ignore: await isMissing(PYTHON),
  async fn() {
    const answers = await Answers.load();
    const texts = textsOf(answers).map(({ text }) => text).filter((text) => text.isWellFormed());
    const child = new Deno.Command("python3", {
      args: ["-c", "import json,sys\nfor line in sys.stdin: print(json.dumps(json.loads(line)))"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const [{ stdout, success }] = await Promise.all([
      child.output(),
      new Blob([texts.map((text) => `${text}\n`).join("")]).stream().pipeTo(child.stdin),
    ]);
    assert(success);
    const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
    assertEquals(lines.length, texts.length);
    for (const [index, line] of lines.entries()) {
      assertEquals(JSON.parse(line), JSON.parse(texts[index]!), texts[index]);
    }
  },
});
