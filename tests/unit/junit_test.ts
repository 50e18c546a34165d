import { assertEquals } from "@std/assert";
import { countTests, testsOf } from "../../scripts/junit.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="2" errors="0" time="0.018">
    <testsuite name="./a_test.ts" tests="6" disabled="2" errors="0" failures="2">
        <testcase name="one" classname="./a_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="two" classname="./a_test.ts" time="0.012" line="2" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="three" classname="./a_test.ts" time="0.000" line="3" col="11">
            <skipped/>
        </testcase>
        <testcase name="four" classname="./a_test.ts" line="4" col="11">
            <skipped/>
        </testcase>
        <testcase name="two &gt; inner" classname="./a_test.ts" time="0.000" line="2" col="41">
            <failure message="Uncaught Error: x">Error: x &lt;testcase</failure>
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="one" classname="./b_test.ts" time="0.001" line="1" col="6">
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("countTests() counts tests of all files, and neither steps nor what a filter left out", () => {
  assertEquals(countTests(REPORT), { passed: 2, failed: 1, skipped: 1 });
});

Deno.test("countTests() counts tests as failed that an error outside of a test has canceled", () => {
  const canceled = '<error message="Cancelled"/>';
  const report = `<testsuite><testcase name="a" time="0.1">${canceled}</testcase></testsuite>`;
  assertEquals(countTests(report), { passed: 0, failed: 1, skipped: 0 });
});

Deno.test("testsOf() names files and tests as they are, with seconds and outcome", () => {
  const report = REPORT.replace('name="three"', 'name="&lt;&quot;three&quot; &amp; more&gt;"');
  assertEquals(testsOf(report), [
    { file: "a_test.ts", name: "one", seconds: 0.001, outcome: "passed" },
    { file: "a_test.ts", name: "two", seconds: 0.012, outcome: "failed", error: "1 test step failed" },
    { file: "a_test.ts", name: '<"three" & more>', seconds: 0, outcome: "skipped" },
    { file: "b_test.ts", name: "one", seconds: 0.001, outcome: "passed" },
  ]);
});
