import { assert, assertEquals } from "@std/assert";
import { BSON } from "mongodb";
import { PermanentError } from "../../../../agent/errors.ts";
import { checkpointData } from "../../../../agent/processors/checkpoint_data.ts";
import { setFields } from "../../../../agent/processors/set_fields.ts";
import { RawDocument } from "../../../../agent/store/documents/raw_document.ts";
import { randomDocument } from "../../../support/random_bson.ts";
import { randomThrown } from "../../../support/random_thrown.ts";
import { pick, rounds, testRandom } from "../../../support/random.ts";

const SEED = 20261126;
const ROUNDS = rounds(375);

/** Any value at all: what a module may throw, and what a server may hold. */
function randomValue(random: () => number): unknown {
  if (random() < 0.5) return randomThrown(random);
  try {
    return BSON.deserialize(randomDocument(random), { promoteValues: random() < 0.5, bsonRegExp: true });
  } catch {
    return { list: [randomThrown(random)] };
  }
}

Deno.test(`setFields() refuses any value, or makes of it what the driver writes: seed ${SEED}`, () => {
  const random = testRandom(SEED);
  let written = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const name = pick(random, ["a", "a.b", "total"]);
    let fields: ReturnType<typeof setFields>;
    try {
      fields = setFields({ [name]: randomValue(random) });
    } catch (error) {
      assert(error instanceof PermanentError, `round ${round}: ${Deno.inspect(error)}`);
      continue;
    }
    if (fields === undefined) continue;
    assertEquals(BSON.serialize(fields.set).length, fields.bytes, `round ${round}`);
    written += 1;
  }
  assert(written > ROUNDS / 10, `only ${written} values could be written`);
});

Deno.test(`checkpointData() refuses any value, or makes of it what the next run can read: seed ${SEED}`, () => {
  const random = testRandom(SEED);
  let written = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let data: unknown;
    try {
      data = checkpointData(randomValue(random));
    } catch (error) {
      assert(error instanceof PermanentError, `round ${round}: ${Deno.inspect(error)}`);
      continue;
    }
    const bytes = BSON.serialize({ _id: 1, _pull: { saved: { n: 3, data } } });
    assert(bytes.length <= 16 * 1024 + 100, `round ${round}: ${bytes.length} bytes`);
    assertEquals(new RawDocument(bytes).saved()?.n, 3, `round ${round}`);
    written += 1;
  }
  assert(written > ROUNDS / 10, `only ${written} values could be written`);
});
