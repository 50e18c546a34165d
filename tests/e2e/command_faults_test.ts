import { ENDING_CALLS } from "../support/command_calls.ts";
import { assertToldByAll } from "../support/command_faults.ts";

/** One fault of each kind: a directory, a file, a pipe, a server, the processor. The others are in tests/thorough. */
const OF_EACH_KIND = [
  "HEALTH_DIR below a file",
  "HEALTH_DIR of the kernel",
  "health files that are garbage",
  "a lock that is a pipe",
  "MONGODB_URI_FILE that is a device",
  "a missing CA file",
  "an option that does not work here",
  "a closed port",
  "a wrong password",
  "PROCESSOR that does not exist",
];
/** Each fault meets calls of three kinds; tests/thorough has each call with each fault. */
const STEP = Math.floor(ENDING_CALLS.length / 3);

for (const [index, name] of OF_EACH_KIND.entries()) {
  Deno.test(`Commands: run and three others do not call ${name} a bug, nor show a stack`, async () => {
    const calls = [0, STEP, 2 * STEP].map((step) => ENDING_CALLS[(index + step) % ENDING_CALLS.length]!);
    await assertToldByAll(name, calls);
  });
}
