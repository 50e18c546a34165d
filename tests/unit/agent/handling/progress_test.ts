import { assertEquals } from "@std/assert";
import { progressOf } from "../../../../agent/handling/progress.ts";
import { HandlerRunSetup } from "../../../support/handler_run_setup.ts";
import { settled } from "../../../support/manual_clock.ts";

Deno.test("progressOf() keeps a fraction within 0 and 1, and leaves out what is none", () => {
  for (const [given, fraction] of [[0.5, 0.5], [-1, 0], [45, 1], [Infinity, 1]] as const) {
    assertEquals(progressOf(given, undefined), { fraction });
  }
  for (const odd of [NaN, "0.5", null, undefined, {}, 1n]) {
    assertEquals(progressOf(odd, "text"), { text: "text" });
  }
});

Deno.test("progressOf() keeps the beginning of a text, and leaves out what is none", () => {
  assertEquals(progressOf(1, "x".repeat(1_000_000)).text?.length, 2000);
  for (const odd of ["", 5, null, {}, ["page"]]) assertEquals(progressOf(1, odd), { fraction: 1 });
});

Deno.test("runHandler() shows its documents as they run, with what the handler said last", async () => {
  const gate = Promise.withResolvers<void>();
  const run = new HandlerRunSetup(async (_, { progress }) => {
    progress(0.1);
    progress(0.2, "page 2");
    await gate.promise;
  }, { document: { id: "a" } });
  await run.clock.advance(300);
  assertEquals([...run.timeLimit.running].flatMap(({ documents }) => documents), [
    { id: "a", attempt: 1, elapsedMs: 300, progress: { fraction: 0.2, text: "page 2" } },
  ]);
  gate.resolve();
  await settled();
  assertEquals([...run.timeLimit.running], []);
});

Deno.test("runHandler() shows each document of a batch, which has no progress", async () => {
  const processing = { kind: "batch", processBatch: () => new Promise(() => {}) } as const;
  const run = new HandlerRunSetup(processing, { documents: 2 });
  await settled();
  assertEquals(
    [...run.timeLimit.running].flatMap(({ documents }) =>
      documents.map(({ id, progress }) => [id, progress])
    ),
    [
      [0, undefined],
      [1, undefined],
    ],
  );
});
