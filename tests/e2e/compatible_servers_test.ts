import { assertDrains, assertRefuses } from "../support/compatible_servers.ts";
import { AMAZON_5 } from "../support/profiles/amazon.ts";
import { FERRETDB_1 } from "../support/profiles/ferretdb.ts";

Deno.test("run --until-empty drains a collection on the server that lacks most, and says so once; tests/thorough has the others", async () => {
  await assertDrains(AMAZON_5);
});

Deno.test("run and doctor refuse a server without what claims need, and say which servers work", async () => {
  await assertRefuses(FERRETDB_1);
});
