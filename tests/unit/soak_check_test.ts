import { assertEquals } from "@std/assert";
import { type Fate, judge } from "../../scripts/soak_check.ts";

const ENDED = { pid: 1, startMs: 9000, endMs: 9010 };
const AGAIN = { pid: 1, startMs: 9100, endMs: 9110 };
const HOPELESS = { kind: "hopeless", status: "failed", error: "hopeless" } as const;
const GOOD: Fate = { id: 1, kind: "good", status: "processed", hasLetter: false, runs: [ENDED] };
/** Process 2 was killed at 1000; process 3 was cut off from 20,000 to 30,000, and all were from 50,000 to 51,000. */
const CUTS = [{ fromMs: 20_000, toMs: 30_000, pids: [3] }, { fromMs: 50_000, toMs: 51_000 }];
const verdictOn = (fate: Partial<Fate>) => judge([{ ...GOOD, ...fate }], 1, new Map([[2, 1000]]), CUTS);
const problems = (fate: Partial<Fate>) => verdictOn(fate).problems;
const run = (pid: number, startMs: number, endMs: number) => ({ pid, startMs, endMs });

Deno.test("judge() accepts a document that was processed once, or again after a kill", () => {
  assertEquals(problems({}), []);
  assertEquals(problems({ runs: [{ pid: 2, startMs: 900 }, ENDED] }), []);
  assertEquals(problems({ runs: [{ pid: 2, startMs: 900, endMs: 990 }, ENDED] }), []);
  assertEquals(problems({ kind: "flaky", runs: [ENDED, AGAIN] }), []);
  assertEquals(problems({ ...HOPELESS, hasLetter: true }), []);
});

Deno.test("judge() accepts a document that ran again after a cut of its process, or of all, also while the first run went on", () => {
  for (
    const runs of [
      [run(3, 19_000, 31_000), run(1, 25_000, 25_010)],
      [run(3, 19_000, 19_010), run(1, 25_000, 25_010)],
      [run(1, 50_500, 50_510), run(4, 55_000, 55_010)],
    ]
  ) {
    const { problems, repeated, unexcused } = verdictOn({ runs });
    assertEquals({ problems, repeated, unexcused }, { problems: [], repeated: 1, unexcused: 0 });
  }
});

Deno.test("judge() counts what is lost, what ran again without excuse, and attempts that nothing explains", () => {
  const { lost, repeated, unexcused } = verdictOn({ status: "pending", runs: [ENDED, AGAIN] });
  assertEquals({ lost, repeated, unexcused }, { lost: 1, repeated: 1, unexcused: 1 });
  assertEquals(judge([], 3, new Map()).lost, 3);
  assertEquals([verdictOn({ attempts: 1 }).inVain, verdictOn({ attempts: 4 }).inVain], [0, 3]);
  assertEquals(verdictOn({ kind: "flaky", attempts: 2, runs: [ENDED, AGAIN] }).inVain, 0);
  // Killed twice beside others, and once while it ran alone.
  const killed = Array(3).fill({ pid: 2, startMs: 900 });
  assertEquals(verdictOn({ attempts: 2, runs: [...killed, ENDED] }).inVain, 0);
  assertEquals(verdictOn({ attempts: 5, runs: [...killed, ENDED] }).inVain, 1);
});

for (
  const [what, fate, says] of [
    [
      "ran again though another process was cut off",
      { runs: [run(4, 19_000, 19_010), run(1, 25_000, 25_010)] },
      "1 (good) ran 2 times where nothing was killed",
    ],
    [
      "ran again though its process was cut off long before",
      { runs: [run(3, 40_000, 40_010), run(1, 45_000, 45_010)] },
      "1 (good) ran 2 times where nothing was killed",
    ],
    ["was lost", { status: "pending" }, "1 (good) is pending, not processed"],
    ["is held for ever", { status: "processing" }, "1 (good) is processing, not processed"],
    ["ran twice without a kill", { runs: [ENDED, AGAIN] }, "1 (good) ran 2 times where nothing was killed"],
    [
      "ran again though its holder was killed long after it had ended",
      { runs: [{ pid: 2, startMs: -9000, endMs: -8990 }, ENDED] },
      "1 (good) ran 2 times where nothing was killed",
    ],
    [
      "ran while a process held it that was killed later",
      { runs: [{ pid: 2, startMs: 900 }, { pid: 1, startMs: 950, endMs: 1050 }] },
      "1 (good) ran twice at once",
    ],
    ["was cut short without a kill", { runs: [{ pid: 1, startMs: 1 }] }, "1 (good) never ran to its end"],
    ["was given up too early", { kind: "flaky" }, "1 (flaky) ran to its end 1 times, not 2"],
    [
      "is a dead letter for another reason",
      { ...HOPELESS, error: "ended or froze", hasLetter: true },
      "1 (hopeless) failed for another reason: ended or froze",
    ],
    ["never ran", { runs: [] }, "1 (good) never ran to its end"],
    ["has a letter though it was processed", { hasLetter: true }, "1 (good) has a letter"],
    ["is failed without a letter", HOPELESS, "1 (hopeless) has no letter"],
  ] as [string, Partial<Fate>, string][]
) {
  Deno.test(`judge() notices a document that ${what}`, () => assertEquals(problems(fate)[0], says));
}

Deno.test("judge() notices a document that was dead-lettered without reason", () => {
  const fate: Partial<Fate> = { status: "failed", hasLetter: true, error: "ended or froze" };
  assertEquals(problems(fate), ["1 (good) is failed, not processed: ended or froze"]);
});

Deno.test("judge() notices a document that is gone", () => {
  assertEquals(judge([], 1, new Map()).problems, ["1 were inserted, 0 are there"]);
});

Deno.test("judge() counts a good document as blamed, not lost, if kills or cuts ended two of its runs, and never else", () => {
  const error = "The agent's process ended or froze 2 times while it processed this document alone";
  const blamed: Partial<Fate> = { status: "failed", hasLetter: true, error, attempts: 2 };
  const killed = { pid: 2, startMs: 900 };
  const frozen = { pid: 3, startMs: 21_000 };
  const counts = (fate: Partial<Fate>) => {
    const { blamed, inVain, lost, problems } = verdictOn(fate);
    return { blamed, inVain, lost, problems: problems.length };
  };
  assertEquals(counts({ ...blamed, runs: [killed, frozen] }), { blamed: 1, inVain: 0, lost: 0, problems: 0 });
  for (
    const fate of [
      { runs: [killed] },
      { runs: [killed, { pid: 1, startMs: 90_000 }] },
      { runs: [killed, ENDED] },
      { runs: [killed, frozen], hasLetter: false },
      { runs: [killed, frozen], error: "no" },
      { runs: [killed, frozen], status: "processing" },
    ]
  ) {
    const { lost, problems } = counts({ ...blamed, ...fate });
    assertEquals([lost, problems > 0], [1, true], JSON.stringify(fate));
  }
});
