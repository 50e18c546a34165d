import type { ReportedTest, TestCounts } from "./junit.ts";
import type { BatchResult } from "./test_run.ts";

/** How many of the longest tests are named at the end of a lane. */
const LONGEST = 5;
/** How much of a failed test's message is repeated at the end of a lane, in characters. */
const MESSAGE_CHARS = 1500;

/** Counts tests as their results come; reports at the end what failed and what took longest. */
export class Tally {
  readonly total: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  #tests: ReportedTest[] = [];
  readonly #flaky: ReportedTest[] = [];
  readonly #withoutReport: string[] = [];

  add({ passed, failed, skipped }: TestCounts): void {
    this.total.passed += passed;
    this.total.failed += failed;
    this.total.skipped += skipped;
  }

  /** A process that failed without a failed test (a type error, an error outside of a test) counts as one. */
  addResult(name: string, { tests, success }: BatchResult): void {
    for (const test of tests) this.total[test.outcome]++;
    this.#tests.push(...tests);
    if (success || tests.some(({ outcome }) => outcome === "failed")) return;
    this.total.failed++;
    this.#withoutReport.push(name);
  }

  /** Files with failed tests. */
  get failedFiles(): string[] {
    return [...new Set(this.#failed().map(({ file }) => file))];
  }

  /**
   * Takes the result of a second run of a file: what passes now is flaky. It counts as passed, and the summary names it.
   * Nothing has passed if the process failed without a failed test: its report tells no error outside of a test.
   */
  addRetry(file: string, { tests, success }: BatchResult): void {
    const named = (wanted: ReportedTest["outcome"]) =>
      new Set(tests.filter(({ outcome }) => outcome === wanted).map(({ name }) => name));
    const [passed, failed] = [named("passed"), named("failed")];
    if (!success && failed.size === 0) return;
    // Tests of one file may have the same name.
    const flaky = this.#failed().filter((test) =>
      test.file === file && passed.has(test.name) && !failed.has(test.name)
    );
    this.#tests = this.#tests.filter((test) => !flaky.includes(test));
    this.#flaky.push(...flaky);
    this.total.failed -= flaky.length;
    this.total.passed += flaky.length;
  }

  #failed(): ReportedTest[] {
    return this.#tests.filter(({ outcome }) => outcome === "failed");
  }

  get isEmpty(): boolean {
    return this.total.passed + this.total.failed === 0;
  }

  /** The lines for the end of a lane. */
  summary(): string[] {
    const all = [...this.#tests, ...this.#flaky];
    const longest = all.toSorted((one, other) => other.seconds - one.seconds).slice(0, LONGEST);
    return [
      ...longest.map(({ file, name, seconds }) => `${seconds.toFixed(1)} s  ${file}: ${name}`),
      ...this.#flaky.map((test) => `FLAKY  ${told(test)}`),
      ...this.#failed().map((test) => `FAIL  ${told(test)}`),
      ...this.#withoutReport.map((name) =>
        `FAIL  ${name}: it ended with an error outside of a test, see above`
      ),
    ];
  }
}

/** A failed test and its message, indented, as a reader of a long log looks for both at its end. */
function told({ file, name, error = "" }: ReportedTest): string {
  return [`${file}: ${name}`, ...error.slice(0, MESSAGE_CHARS).split("\n")].join("\n    ").trimEnd();
}
