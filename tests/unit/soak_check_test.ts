import { assertEquals } from "@std/assert";
import { type Fate, judge } from "../../scripts/soak_check.ts";

const ENDED = { pid: 1, hasEnded: true };
const GOOD: Fate = { id: 1, kind: "good", status: "processed", hasLetter: false, runs: [ENDED] };
const problems = (fate: Partial<Fate>, killed: number[] = []) =>
  judge([{ ...GOOD, ...fate }], 1, new Set(killed)).problems;

Deno.test("judge() is content with what was processed once, or again after a kill", () => {
  assertEquals(problems({}), []);
  assertEquals(problems({ runs: [{ pid: 2, hasEnded: false }, ENDED] }, [2]), []);
  assertEquals(problems({ runs: [{ pid: 2, hasEnded: true }, ENDED] }, [2]), []);
  assertEquals(problems({ kind: "flaky", runs: [ENDED, ENDED] }), []);
  assertEquals(problems({ kind: "hopeless", status: "failed", hasLetter: true }), []);
});

for (
  const [what, fate, says] of [
    ["was lost", { status: "pending" }, "1 (good) is pending, not processed"],
    ["is held for ever", { status: "processing" }, "1 (good) is processing, not processed"],
    ["ran twice without a kill", { runs: [ENDED, ENDED] }, "1 (good) ran 2 times where nothing was killed"],
    ["never ran", { runs: [] }, "1 (good) never ran to its end"],
    ["has a letter though it was processed", { hasLetter: true }, "1 (good) has a letter"],
    ["is failed without a letter", { kind: "hopeless", status: "failed" }, "1 (hopeless) has no letter"],
  ] as [string, Partial<Fate>, string][]
) {
  Deno.test(`judge() notices a document that ${what}`, () => assertEquals(problems(fate), [says]));
}

Deno.test("judge() notices a document that was dead-lettered without reason", () => {
  const fate: Partial<Fate> = { status: "failed", hasLetter: true, error: "ended or froze" };
  assertEquals(problems(fate), ["1 (good) is failed, not processed: ended or froze"]);
});

Deno.test("judge() notices a document that is gone", () => {
  assertEquals(judge([], 1, new Set()).problems, ["1 were inserted, 0 are there"]);
});
