import { ENDING_CALLS } from "../support/command_calls.ts";
import { assertToldByAll, FAULTS } from "../support/command_faults.ts";

for (const name of Object.keys(FAULTS)) {
  Deno.test(`Commands: no command calls ${name} a bug, nor shows a stack`, async () => {
    await assertToldByAll(name, ENDING_CALLS);
  });
}
