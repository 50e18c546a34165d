import { assertEquals, assertRejects } from "@std/assert";
import { SharedAnswers } from "../../../../control/dashboard/shared_answers.ts";
import { Turns } from "../../../../control/dashboard/turns.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

/** Answers that take so long, and how many were made. */
function answering(clock: ManualClock, tookMs: number, isDear: boolean) {
  const made: string[] = [];
  const make = async () => {
    await Promise.resolve();
    await clock.advance(tookMs);
    made.push(`${made.length + 1}`);
    return { value: made.at(-1)!, dearMs: isDear ? tookMs : undefined };
  };
  return { made, make };
}

Deno.test("SharedAnswers makes one answer for all who ask meanwhile, and keeps one that was dear for three times as long as it took", async () => {
  const clock = new ManualClock();
  const answers = new SharedAnswers<string>(clock);
  const { made, make } = answering(clock, 500, true);
  const all = await Promise.all(Array.from({ length: 20 }, () => answers.get("large", make)));
  assertEquals([new Set(all).size, made.length], [1, 1]);
  await clock.advance(1499);
  assertEquals(await answers.get("large", make), "1");
  await clock.advance(1);
  assertEquals(await answers.get("large", make), "2");
  answers.forget();
  assertEquals(await answers.get("large", make), "3");
});

Deno.test("SharedAnswers keeps no answer that was cheap, and none that failed", async () => {
  const clock = new ManualClock();
  const answers = new SharedAnswers<string>(clock);
  const { make } = answering(clock, 500, false);
  assertEquals([await answers.get("small", make), await answers.get("small", make)], ["1", "2"]);
  const failing = () => Promise.reject(new Error("no"));
  for (let at = 0; at < 2; at++) await assertRejects(() => answers.get("bad", failing), Error, "no");
  assertEquals(await answers.get("bad", make), "3");
});

Deno.test("SharedAnswers drops what is being made when something was changed", async () => {
  const clock = new ManualClock();
  const answers = new SharedAnswers<string>(clock);
  const { promise, resolve } = Promise.withResolvers<{ value: string; dearMs: number | undefined }>();
  const before = answers.get("large", () => promise);
  answers.forget();
  const after = await answers.get("large", () => Promise.resolve({ value: "new", dearMs: undefined }));
  resolve({ value: "old", dearMs: 100 });
  assertEquals([await before, after], ["old", "new"]);
  assertEquals(await answers.get("large", () => Promise.resolve({ value: "newer", dearMs: 100 })), "newer");
});

Deno.test("SharedAnswers: the wait of an answer for its turn keeps it no longer", async () => {
  const clock = new ManualClock();
  const answers = new SharedAnswers<string>(clock);
  const turns = new Turns({ atOnce: 1, waiting: 1, work: "test" });
  const before = Promise.withResolvers<void>();
  turns.take(() => before.promise);
  const { make } = answering(clock, 500, true);
  const asked = answers.get("large", () => turns.take(make));
  await clock.advance(60_000);
  before.resolve();
  assertEquals(await asked, "1");
  await clock.advance(1500);
  assertEquals(await answers.get("large", make), "2");
});
