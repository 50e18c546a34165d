import { assertEquals } from "@std/assert";
import { ENDING_CALLS, TAKING } from "../support/command_calls.ts";
import { assertLossIsTold, assertPrintsItsOwn, assertUnreadBlocksNone } from "../support/lost_output.ts";

/** One call of each kind: those that print nothing, that answer by their status, and that print. The others are in tests/thorough. */
const KINDS = [
  "run --until-empty",
  "pause",
  "status --json",
  "dead-letters list",
  "try --id 4",
  "check",
  TAKING[0],
];
const OF_EACH_KIND = ENDING_CALLS.filter((call) => KINDS.includes(call.join(" ")));

Deno.test("Output: a command of each kind prints on standard output, and nothing of its processor's module there", async () => {
  assertEquals(OF_EACH_KIND.length, KINDS.length);
  await assertPrintsItsOwn(OF_EACH_KIND);
});

Deno.test("Output: a command of each kind says in one sentence that standard output is a full disk, and shows it by its status", async () => {
  await assertLossIsTold("a full disk", OF_EACH_KIND);
});

Deno.test("Output: a pipe without a reader blocks no command of the kinds that answer by their status, and costs the others nothing", async () => {
  await assertUnreadBlocksNone(OF_EACH_KIND);
});
