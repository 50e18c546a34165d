import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Area, Verdict } from "../fuzz/area.ts";
import { fuzz, reportText } from "../fuzz/fuzz.ts";
import { kindOf, shorter } from "../fuzz/shrink.ts";
import { integerFrom } from "../support/random.ts";

/** Numbers, of which one breaks something. */
class NumbersArea implements Area<number[]> {
  readonly name = "numbers";
  readonly tried: number[][] = [];
  readonly #breaks: (numbers: number[]) => Verdict;

  constructor(breaks: (numbers: number[]) => Verdict) {
    this.#breaks = breaks;
  }

  generate(random: () => number): number[] {
    return Array.from({ length: 20 }, () => integerFrom(random, 0, 30));
  }

  size(numbers: number[]): number {
    return numbers.length;
  }

  smaller(numbers: number[]): Iterable<number[]> {
    return shorter(numbers);
  }

  show(numbers: number[]): string {
    return numbers.join();
  }

  open() {
    return Promise.resolve({
      attempt: (numbers: number[]) => {
        this.tried.push(numbers);
        return Promise.resolve(this.#breaks(numbers));
      },
      async [Symbol.asyncDispose]() {},
    });
  }
}

const lines: string[] = [];

function run(area: NumbersArea, seed: number, rounds: number) {
  lines.length = 0;
  return fuzz({
    areas: [area],
    world: { uri: "" },
    seconds: 60,
    seed,
    rounds,
    shrinkMs: 5000,
    print: (line) => void lines.push(line),
  });
}

const seven = (numbers: number[]): Verdict => ({
  broken: numbers.includes(7) ? [`There is a seven (number ${numbers.indexOf(7)})`] : [],
});

Deno.test("fuzz() finds what breaks an invariant, once for each kind, and the smallest input that does", async () => {
  const reports = await run(new NumbersArea(seven), 1, 30);
  const [finding, ...others] = reports[0]!.findings;
  assertEquals(others, []);
  assertEquals(finding!.kind, "There is a seven #");
  assert(finding!.times > 1);
  assertStringIncludes(lines.join("\n"), "input:\n    7\n");
  assertStringIncludes(reportText(reports), "1 findings");
});

Deno.test("fuzz() begins with the same input for the seed of a finding", async () => {
  const [report] = await run(new NumbersArea(seven), 5, 40);
  const area = new NumbersArea(seven);
  const [again] = await run(area, report!.findings[0]!.seed, 1);
  assertEquals(again!.trials, 1);
  assertEquals(again!.findings.length, 1);
  assert(area.tried[0]!.includes(7));
});

Deno.test("fuzz() takes a trial that throws for a finding, and goes on", async () => {
  const area = new NumbersArea(() => {
    throw new Error("no server");
  });
  const [report] = await run(area, 1, 3);
  assertEquals([report!.trials, report!.findings.length, report!.findings[0]!.times], [3, 1, 3]);
  assertStringIncludes(report!.findings[0]!.sentence, "no server");
});

Deno.test("fuzz() takes an error that no one caught for a finding", async () => {
  const area = new NumbersArea(() => {
    Promise.reject(new Error("left behind"));
    return { broken: [] };
  });
  const [report] = await run(area, 1, 2);
  assertStringIncludes(report!.findings[0]?.sentence ?? "", "left behind");
});

Deno.test("reportText() says that nothing was found, and how fast", async () => {
  const text = reportText(await run(new NumbersArea(() => ({ broken: [] })), 1, 3));
  assertStringIncludes(text, "3 trials, 60 inputs");
  assertStringIncludes(text, "Nothing was found");
});

Deno.test("kindOf() leaves out what differs from one finding to the next", () => {
  assertEquals(
    kindOf('A field "a\\"b" of 3: more (document 4)'),
    kindOf('A field "c" of 12: less (document 5)'),
  );
});

Deno.test("shorter() leaves out halves, then each item", () => {
  assertEquals([...shorter([1, 2, 3, 4])], [[3, 4], [1, 2], [2, 3, 4], [1, 3, 4], [1, 2, 4], [1, 2, 3]]);
  assertEquals([...shorter([1])], [[]]);
  assertEquals([...shorter([])], []);
});
