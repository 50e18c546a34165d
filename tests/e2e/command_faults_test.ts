import { ENDING_CALLS } from "../support/command_calls.ts";
import { assertToldByAll, FAULTS } from "../support/command_faults.ts";

/** Each fault meets calls of three kinds, and each call several faults; tests/thorough has each call with each fault. */
const STEP = Math.floor(ENDING_CALLS.length / 3);

for (const [index, name] of Object.keys(FAULTS).entries()) {
  Deno.test(`Commands: run and three others do not call ${name} a bug, nor show a stack`, async () => {
    const calls = [0, STEP, 2 * STEP].map((step) => ENDING_CALLS[(index + step) % ENDING_CALLS.length]!);
    await assertToldByAll(name, calls);
  });
}
