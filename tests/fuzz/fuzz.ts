/**
 * Tries random inputs on the real program until the time is over, and tells of each kind of invariant that one broke.
 *
 * @module
 */

import { integerFrom } from "../support/random.ts";
import { seededRandom } from "../support/random.ts";
import type { AnyArea, Trials, Verdict, World } from "./area.ts";
import { kindOf, shrink } from "./shrink.ts";
import { Strays } from "./strays.ts";

/** What a run needs. */
export interface FuzzOptions {
  areas: readonly AnyArea[];
  world: World;
  /** The run ends after this time, and the trial that is under way then. */
  seconds: number;
  seed: number;
  /** Trials of all areas together, at most. */
  rounds?: number | undefined;
  /** Longest search for a smaller input, in milliseconds. */
  shrinkMs: number;
  /** Takes each line of the report as it comes. */
  print(line: string): void;
}

/** What was tried in an area. */
export interface AreaReport {
  name: string;
  trials: number;
  inputs: number;
  elapsedMs: number;
  findings: Finding[];
}

/** A kind of broken invariant, by the first trial that broke it. */
export interface Finding {
  area: string;
  /** A run with this seed, in this area alone, begins with the trial that broke it. */
  seed: number;
  kind: string;
  sentence: string;
  /** How many trials broke the same. */
  times: number;
}

/** Fuzzes each area in turn, the one that had the least time first. */
export async function fuzz(options: FuzzOptions): Promise<AreaReport[]> {
  const { areas, print, seed, seconds, world } = options;
  print(`fuzz: seed ${seed}, ${seconds} s: ${areas.map(({ name }) => name).join(", ")}`);
  const seeds = seededRandom(seed);
  const endMs = performance.now() + seconds * 1000;
  await using stack = new AsyncDisposableStack();
  const strays = stack.use(new Strays());
  const reports = areas.map(({ name }): AreaReport => ({
    name,
    trials: 0,
    inputs: 0,
    elapsedMs: 0,
    findings: [],
  }));
  const opened = new Map<AnyArea, Trials<unknown>>();
  // The first trial has the seed that was asked for, so that one that failed can be had again.
  let trialSeed = seed;
  for (let round = 0; round < (options.rounds ?? Infinity) && performance.now() < endMs; round++) {
    const least = reports.reduce((one, other) => other.elapsedMs < one.elapsedMs ? other : one);
    const area = areas[reports.indexOf(least)]!;
    const trials = opened.get(area) ?? stack.use(await area.open(world));
    opened.set(area, trials);
    // A search that goes on after the end is short: most of what was found is found again.
    const shrinkMs = Math.min(options.shrinkMs, Math.max(endMs - performance.now(), options.shrinkMs / 4));
    await attempt(area, trials, least, trialSeed, { ...options, shrinkMs, strays });
    trialSeed = integerFrom(seeds, 1, 2 ** 31 - 1);
  }
  return reports;
}

async function attempt(
  area: AnyArea,
  trials: Trials<unknown>,
  report: AreaReport,
  seed: number,
  { print, shrinkMs, strays }: FuzzOptions & { strays: Strays },
): Promise<void> {
  const startedMs = performance.now();
  const input = area.generate(seededRandom(seed));
  const verdict = await tried(trials, input, strays);
  report.trials += 1;
  report.inputs += area.size(input);
  report.elapsedMs += performance.now() - startedMs;
  const kinds = new Map(verdict.broken.map((sentence) => [kindOf(sentence), sentence]));
  for (const [kind, sentence] of kinds) {
    const known = report.findings.find((finding) => finding.kind === kind);
    if (known) {
      known.times += 1;
      continue;
    }
    report.findings.push({ area: area.name, seed, kind, sentence, times: 1 });
    print(`\nFOUND in ${area.name}, seed ${seed}: ${sentence}`);
    if (verdict.evidence) print(indented("what it said:", verdict.evidence));
    const small = await shrink(
      area,
      (smaller) => tried(trials, smaller, strays),
      { input, verdict, kind },
      shrinkMs,
    );
    print(indented(`after ${small.steps} steps of making it smaller:`, small.verdict.broken.join("\n")));
    print(indented("input:", area.show(small.input)));
    const said = small.verdict.evidence;
    if (small.steps > 0 && said) print(indented("what it said then:", said));
    print(`  again: deno task fuzz --only ${area.name} --seed ${seed} --rounds 1`);
  }
}

/** A trial that fails on the way is a finding, too: of the program's or of the fuzzer's. */
async function tried(trials: Trials<unknown>, input: unknown, strays: Strays): Promise<Verdict> {
  try {
    const { broken, evidence } = await trials.attempt(input);
    // An uncaught error is reported in the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
    return { broken: [...broken, ...strays.take()], evidence };
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    return { broken: [`The trial itself failed: ${error}`], evidence: stack };
  }
}

function indented(title: string, text: string): string {
  return `  ${title}\n    ${text.replaceAll("\n", "\n    ")}`;
}

/** The last lines: what was tried, how fast, and what was found. */
export function reportText(reports: readonly AreaReport[]): string {
  const lines = reports.map(({ name, trials, inputs, elapsedMs, findings }) => {
    const rate = inputs / Math.max(elapsedMs / 1000, 0.001);
    const found = findings.map(({ seed, times }) => `${times} x seed ${seed}`).join(", ");
    return `${name.padEnd(10)} ${trials} trials, ${inputs} inputs, ${rate.toFixed(1)} a second: ` +
      (findings.length === 0 ? "nothing found" : `${findings.length} findings (${found})`);
  });
  const count = reports.reduce((sum, { findings }) => sum + findings.length, 0);
  return [...lines, count === 0 ? "Nothing was found" : `${count} findings`].join("\n");
}
