import { CALLS, ENDING_CALLS } from "../support/command_calls.ts";
import {
  assertLossIsTold,
  assertPrintsItsOwn,
  assertUnreadBlocksNone,
  LOSSES,
} from "../support/lost_output.ts";

Deno.test("Output: each command prints on standard output, and nothing of its processor's module there", async () => {
  await assertPrintsItsOwn(ENDING_CALLS);
});

for (const loss of Object.keys(LOSSES)) {
  Deno.test(`Output: each command says in one sentence that standard output is ${loss}, and shows it by its status`, async () => {
    await assertLossIsTold(loss, CALLS);
  });
}

Deno.test("Output: a pipe without a reader blocks no command that answers by its status, and costs the others nothing", async () => {
  await assertUnreadBlocksNone(ENDING_CALLS);
});
