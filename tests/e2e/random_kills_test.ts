import { PYTHON } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { killAtRandom } from "../support/random_kills.ts";

for (const processor of ["program", "service"] as const) {
  Deno.test({
    name:
      `Replicas: kills at random of four agents and of their ${processor} lose no document, and leave no process`,
    ignore: await isMissing(PYTHON),
    fn: () => killAtRandom({ processor, documents: 160, kills: 4 }),
  });
}
