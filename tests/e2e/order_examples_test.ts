import { assertAddsUp, PLAIN_EXAMPLES } from "../support/order_examples.ts";
import { isMissing } from "../support/optional.ts";

for (const example of PLAIN_EXAMPLES) {
  Deno.test({
    name:
      `Docs: ${example.name} adds up the sample orders, and makes an order without lines a dead letter at once`,
    ignore: example.needs !== undefined && await isMissing(example.needs),
    fn: () => assertAddsUp(example),
  });
}
