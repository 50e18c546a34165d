import { assertEquals } from "@std/assert";
import type { Family } from "../../../../agent/metrics/numbers.ts";
import { Numbers } from "../../../../agent/metrics/numbers.ts";
import { prometheusText } from "../../../../agent/metrics/prometheus_text.ts";
import { checkWithPromtool, FACTS, PROMTOOL } from "../../../support/metrics.ts";
import { isMissing } from "../../../support/optional.ts";

Deno.test("prometheusText() writes a histogram with buckets that add up", () => {
  const family: Family = {
    instrument: { name: "wait_seconds", kind: "histogram", help: "How long.", buckets: [0.1, 2] },
    series: [{ labels: { result: "ok" }, value: { counts: [3, 1, 2], sum: 7.25 } }],
  };
  assertEquals(
    prometheusText([family]),
    `# HELP wait_seconds How long.
# TYPE wait_seconds histogram
wait_seconds_bucket{result="ok",le="0.1"} 3
wait_seconds_bucket{result="ok",le="2"} 4
wait_seconds_bucket{result="ok",le="+Inf"} 6
wait_seconds_sum{result="ok"} 7.25
wait_seconds_count{result="ok"} 6
`,
  );
});

Deno.test("prometheusText() leaves out what is not known, also its name", () => {
  assertEquals(prometheusText([{ instrument: { name: "a", kind: "gauge", help: "A." }, series: [] }]), "");
});

Deno.test({
  name: "prometheusText() writes what promtool takes, with a collection of any name",
  ignore: await isMissing(PROMTOOL),
  fn: async () => {
    const numbers = new Numbers({ ...FACTS, collection: 'a"b\\c\nd{}, é\u{1f600}' });
    for (const key of ["claimable", "oldestClaimable", "deadLetters", "buildInfo", "ready"] as const) {
      numbers.set(key, 1e21);
    }
    await checkWithPromtool(prometheusText(numbers.collect()));
  },
});
