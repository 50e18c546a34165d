/** How many tests of a report went which way. */
export interface TestCounts {
  passed: number;
  failed: number;
  /** Ignored by the test itself; those that a filter left out are not counted at all. */
  skipped: number;
}

/**
 * Counts the tests of a JUnit report of `deno test`. Steps are part of their test, as in Deno's own summary.
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
  for (const [, suite] of report.matchAll(/<testsuite\b[^>]*>(.*?)<\/testsuite>/gs)) {
    const names: string[] = [];
    for (const [, attributes, body] of suite!.matchAll(/<testcase\b([^>]*)>(.*?)<\/testcase>/gs)) {
      const name = /\bname="([^"]*)"/.exec(attributes!)?.[1] ?? "";
      // Deno lists the steps after the tests, each as "test > step".
      if (names.some((test) => name.startsWith(`${test} &gt; `))) continue;
      names.push(name);
      if (body!.includes("<failure")) counts.failed++;
      else if (!body!.includes("<skipped")) counts.passed++;
      // What a filter left out never ran, and so has no time.
      else if (attributes!.includes(" time=")) counts.skipped++;
    }
  }
  return counts;
}

/** `junit.ts REPORT STATUS`: prints `N passed, N failed`, for a run that ended with this exit status. */
if (import.meta.main) {
  const [path, status] = Deno.args as [string, string];
  const { passed, failed } = countTests(await Deno.readTextFile(path));
  // A type error or an error outside of a test is in no report.
  console.log(`${passed} passed, ${status === "0" ? failed : Math.max(failed, 1)} failed`);
}
