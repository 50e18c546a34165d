/** How many tests of a report went which way. */
export interface TestCounts {
  passed: number;
  failed: number;
  /** Ignored by the test itself; tests that a filter left out are not counted at all. */
  skipped: number;
}

/** A test as a report tells it. */
export interface ReportedTest {
  file: string;
  name: string;
  seconds: number;
  outcome: keyof TestCounts;
  /** What a failed test says of its failure: its message, whole. */
  error?: string;
}

/**
 * The tests of a JUnit report of `deno test` that ran or were skipped. Steps are part of their test, as in Deno's own
 * summary.
 */
export function testsOf(report: string): ReportedTest[] {
  const tests: ReportedTest[] = [];
  for (const [, suite] of report.matchAll(/<testsuite\b[^>]*>(.*?)<\/testsuite>/gs)) {
    const names: string[] = [];
    for (const [, attributes, body] of suite!.matchAll(/<testcase\b([^>]*)>(.*?)<\/testcase>/gs)) {
      const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes!)?.[1];
      const name = attribute("name") ?? "";
      // Deno lists the steps after the tests, each as "test > step".
      if (names.some((test) => name.startsWith(`${test} &gt; `))) continue;
      names.push(name);
      const seconds = attribute("time");
      // An error outside of a test cancels those of its module that have not ended: the first of them tells where to look.
      const outcome = /<failure|<error/.test(body!)
        ? "failed"
        : body!.includes("<skipped")
        ? "skipped"
        : "passed";
      // A test that the filter left out never ran, and so has no time.
      if (outcome === "skipped" && seconds === undefined) continue;
      const error = /<(?:failure|error)\b[^>]*\bmessage="([^"]*)"/.exec(body!)?.[1];
      tests.push({
        file: (attribute("classname") ?? "").replace(/^\.\//, ""),
        name: unescaped(name),
        seconds: Number(seconds ?? 0),
        outcome,
        ...(error !== undefined && { error: unescaped(error) }),
      });
    }
  }
  return tests;
}

/**
 * Counts the tests of a JUnit report of `deno test`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const report = `<testsuite><testcase name="a" time="0.1"></testcase></testsuite>`;
 * assertEquals(countTests(report), { passed: 1, failed: 0, skipped: 0 });
 * ```
 */
export function countTests(report: string): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of testsOf(report)) counts[outcome]++;
  return counts;
}

function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'").replaceAll("&amp;", "&");
}

/** `junit.ts REPORT STATUS`: prints `N passed, N failed`, for a run that ended with this exit status. */
if (import.meta.main) {
  const [path, status] = Deno.args as [string, string];
  const { passed, failed } = countTests(await Deno.readTextFile(path));
  // A type error, or an error outside of a test, is in no report.
  console.log(`${passed} passed, ${status === "0" ? failed : Math.max(failed, 1)} failed`);
}
