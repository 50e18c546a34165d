import { assertEquals } from "@std/assert";
import type { LettersForCommands } from "../../../../agent/store/dead_letters/letters_for_commands.ts";
import { LettersJob } from "../../../../control/dashboard/letters_job.ts";

Deno.test("LettersJob that is stopped while it counts ends, also if no letter comes any more", async () => {
  const counted = Promise.withResolvers<void>();
  const next = () => counted.promise.then(() => ({ done: true, value: undefined }));
  const survey = () => ({ [Symbol.asyncIterator]: () => ({ next }) });
  const letters = { survey } as unknown as LettersForCommands;
  const job = new LettersJob({
    act: "purge",
    actor: { by: "Ada", reason: "the test wants it" },
    letters,
    what: "all letters",
    rate: undefined,
    explain: String,
    onRun: async () => {},
    onEnd: async () => {},
  });
  const stopped = job.stop();
  counted.resolve();
  await stopped;
  assertEquals([job.shown.state, job.isOver], ["stopped", true]);
});
