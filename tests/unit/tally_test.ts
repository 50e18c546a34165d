import { assertEquals } from "@std/assert";
import type { ReportedTest } from "../../scripts/junit.ts";
import { Tally } from "../../scripts/tally.ts";

const test = (
  file: string,
  name: string,
  outcome: ReportedTest["outcome"],
  error?: string,
): ReportedTest => ({
  file,
  name,
  seconds: 1,
  outcome,
  ...(error !== undefined && { error }),
});

Deno.test("Tally: a test that passes when its file runs again counts as passed and is named as flaky", () => {
  const tally = new Tally();
  tally.addResult("batch", {
    tests: [
      test("a.ts", "one", "failed", "too slow\nby far"),
      test("a.ts", "two", "failed"),
      test("b.ts", "one", "passed"),
    ],
    success: false,
  });
  assertEquals(tally.failedFiles, ["a.ts"]);
  tally.addRetry("a.ts", {
    tests: [test("a.ts", "one", "passed"), test("a.ts", "two", "failed")],
    success: false,
  });
  assertEquals(tally.total, { passed: 2, failed: 1, skipped: 0 });
  assertEquals(tally.summary().slice(-2), ["FLAKY  a.ts: one\n    too slow\n    by far", "FAIL  a.ts: two"]);
});

Deno.test("Tally: a second run clears no test if another of the same name fails, or if an error outside of a test ends it", () => {
  const clears = (tests: ReportedTest[], success: boolean) => {
    const tally = new Tally();
    tally.addResult("batch", { tests: [test("a.ts", "one", "failed")], success: false });
    tally.addRetry("a.ts", { tests, success });
    return tally.total.failed === 0;
  };
  assertEquals(clears([test("a.ts", "one", "passed")], true), true);
  assertEquals(clears([test("a.ts", "one", "passed")], false), false);
  assertEquals(clears([test("a.ts", "one", "passed"), test("a.ts", "one", "failed")], false), false);
});

Deno.test("Tally: a test that does not run again still counts as failed, and so does a process that ends without one", () => {
  const tally = new Tally();
  tally.addResult("batch", { tests: [test("a.ts", "one", "failed")], success: false });
  tally.addRetry("a.ts", { tests: [], success: false });
  tally.addResult("other batch", { tests: [test("b.ts", "one", "passed")], success: false });
  assertEquals(tally.total, { passed: 1, failed: 2, skipped: 0 });
  assertEquals(tally.summary().slice(-2), [
    "FAIL  a.ts: one",
    "FAIL  other batch: it ended with an error outside of a test, see above",
  ]);
});
