import { assertEquals } from "@std/assert";
import { type Family, Numbers } from "../../../../agent/metrics/numbers.ts";
import { INSTRUMENTS } from "../../../../agent/metrics/instruments.ts";
import { FACTS } from "../../../support/metrics.ts";

function familyOf(numbers: Numbers, key: keyof typeof INSTRUMENTS): Family {
  return numbers.collect().find(({ instrument }) => instrument.name === INSTRUMENTS[key].name)!;
}

Deno.test("Numbers has each series of counters and histograms from the start, with zero", () => {
  const numbers = new Numbers(FACTS);
  assertEquals(familyOf(numbers, "claimed").series, [{ labels: {}, value: 0 }]);
  const { series } = familyOf(numbers, "operationSeconds");
  assertEquals(series.length, 10);
  const counts = Array(INSTRUMENTS.operationSeconds.buckets.length + 1).fill(0);
  assertEquals(series[9], { labels: { operation: "other", outcome: "error" }, value: { counts, sum: 0 } });
});

Deno.test("Numbers counts each combination of labels by itself", () => {
  const numbers = new Numbers(FACTS);
  numbers.add("settled", 2, { outcome: "processed" });
  numbers.add("settled", 3, { outcome: "canceled" });
  numbers.add("settled", 4, { outcome: "processed" });
  const { series } = familyOf(numbers, "settled");
  assertEquals(series.map(({ labels, value }) => [labels.outcome, value]), [
    ["processed", 6],
    ["retried", 0],
    ["dead_lettered", 0],
    ["released", 0],
    ["snoozed", 0],
    ["canceled", 3],
  ]);
});

Deno.test("Numbers puts a value into the first bucket that is not below it, and what is above all into the last", () => {
  const numbers = new Numbers(FACTS);
  for (const seconds of [0.005, 0.0051, 15, 16, 1000]) numbers.observe("eventLoopDelay", seconds);
  assertEquals(familyOf(numbers, "eventLoopDelay").series[0]!.value, {
    counts: [1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2],
    sum: 0.005 + 0.0051 + 15 + 16 + 1000,
  });
});

Deno.test("Numbers takes a time below zero, which clocks that are apart make, for zero, and leaves out one that is no number", () => {
  const numbers = new Numbers(FACTS);
  numbers.observe("pickUpDelay", -5);
  numbers.observe("pickUpDelay", NaN);
  numbers.observe("pickUpDelay", 0.2);
  const { counts, sum } = familyOf(numbers, "pickUpDelay").series[0]!.value as {
    counts: number[];
    sum: number;
  };
  assertEquals([counts.slice(0, 3), sum], [[1, 1, 0], 0.2]);
});

Deno.test("Numbers shows a gauge only while it is known, with the facts as labels", () => {
  const numbers = new Numbers(FACTS);
  assertEquals(familyOf(numbers, "claimable").series, []);
  numbers.set("claimable", 7);
  const labels = { database: "shop", collection: "orders" };
  assertEquals(familyOf(numbers, "claimable").series, [{ labels, value: 7 }]);
  numbers.set("claimable", undefined);
  assertEquals(familyOf(numbers, "claimable").series, []);
});

Deno.test("Numbers has gauges read each time before it is looked at; one that fails does not hide the others", () => {
  const numbers = new Numbers(FACTS);
  const errors: string[] = [];
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error.message);
  };
  addEventListener("error", listener);
  let looks = 0;
  numbers.beforeCollect(() => {
    throw new Error("no gauge");
  });
  numbers.beforeCollect(() => numbers.set("ready", ++looks));
  numbers.collect();
  assertEquals(familyOf(numbers, "ready").series, [{ labels: {}, value: 2 }]);
  removeEventListener("error", listener);
  assertEquals(errors, ["no gauge", "no gauge"]);
});
