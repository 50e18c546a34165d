import { PYTHON } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { killAtRandom } from "../support/random_kills.ts";

Deno.test({
  name:
    "CLAIM_MODE of range: kills at random of four agents and of their program lose no document, and leave no process",
  ignore: await isMissing(PYTHON),
  fn: () => killAtRandom({ processor: "program", documents: 160, kills: 4, claimMode: "range" }),
});
