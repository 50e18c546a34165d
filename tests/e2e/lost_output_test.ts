import { assertEquals, assertFalse } from "@std/assert";
import { ENDING_CALLS, TAKING } from "../support/command_calls.ts";
import {
  assertLossIsTold,
  assertUnreadBlocksNone,
  envOf,
  LOSSES,
  withLetters,
} from "../support/lost_output.ts";

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

Deno.test("Output: each command prints on standard output, and nothing of its processor's module there", async () => {
  await withLetters("output of commands", async (home) => {
    for (const args of ENDING_CALLS) {
      const { code, stdout, stderr } = await home.runWith({ args, env: envOf(home, args) });
      const call = args.join(" ");
      assertEquals(code, 0, `${call}: ${stderr}`);
      const isSilent = TAKING.includes(call);
      assertEquals(stdout !== "", !isSilent, call);
      // The agent writes it into its log, as lines of its own.
      if (args[0] !== "run") assertFalse(stdout.includes("NOISE"), `${call}: ${stdout}`);
      // deno-lint-ignore no-control-regex
      assertFalse(/\x1b/.test(stdout + stderr), `${call}: ${stdout}${stderr}`);
    }
  });
});

for (const loss of Object.keys(LOSSES)) {
  Deno.test(`Output: a command of each kind says in one sentence that standard output is ${loss}, and shows it by its status`, async () => {
    assertEquals(OF_EACH_KIND.length, KINDS.length);
    await assertLossIsTold(loss, OF_EACH_KIND);
  });
}

Deno.test("Output: a pipe without a reader blocks no command of the kinds that answer by their status, and costs the others nothing", async () => {
  await assertUnreadBlocksNone(OF_EACH_KIND);
});
