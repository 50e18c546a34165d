import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Instrument } from "../../../../agent/metrics/instrument.ts";
import { INSTRUMENTS } from "../../../../agent/metrics/instruments.ts";
import { Numbers } from "../../../../agent/metrics/numbers.ts";
import { FACTS } from "../../../support/metrics.ts";

const ALL: Instrument[] = Object.values(INSTRUMENTS);

/** More would cost each scrape, and the Prometheus that keeps them, more than they are worth. */
const MAX_LINES = 400;

Deno.test("INSTRUMENTS names each metric once, in base units, and only counters end in _total", () => {
  assertEquals(new Set(ALL.map(({ name }) => name)).size, ALL.length);
  for (const { kind, name, unit } of ALL) {
    assertMatch(name, /^(pulling_agent|process)(_[a-z]+)+$/);
    assertEquals(name.endsWith("_total"), kind === "counter", name);
    if (unit) assert(name.replace(/_total$/, "").endsWith(`_${unit}`), name);
  }
});

Deno.test("INSTRUMENTS explains each metric in sentences of one line", () => {
  for (const { help, name } of ALL) assertMatch(help, /^[A-Z0-9][^\n]*\.$/, name);
});

Deno.test("INSTRUMENTS gives histograms rising buckets, and nothing else", () => {
  for (const { buckets, kind, name } of ALL) {
    assertEquals(buckets !== undefined, kind === "histogram", name);
    assertEquals(buckets?.toSorted((one, other) => one - other), buckets, name);
    assertEquals(new Set(buckets).size, buckets?.length ?? 0, name);
  }
});

Deno.test("INSTRUMENTS has few series in all", () => {
  const lines = new Numbers(FACTS).collect().flatMap(({ instrument: { buckets }, series }) =>
    series.map(() => buckets ? buckets.length + 3 : 1)
  );
  const gauges = ALL.filter(({ kind }) => kind === "gauge").length;
  assert(lines.reduce((sum, count) => sum + count, gauges) < MAX_LINES);
});
