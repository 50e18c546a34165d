import { assertEquals, assertMatch } from "@std/assert";
import { chartsOf } from "../../bench/chart.ts";
import { targetsOf } from "../../bench/targets.ts";
import type { Throughput } from "../../bench/throughput.ts";

function row(id: string, rate: number, cpuMsPerThousand = 50): Throughput {
  return {
    id,
    name: id,
    settings: "",
    kind: id.startsWith("loop") ? "loop" : "agent",
    documents: 1000,
    rate: { median: rate, least: rate, most: rate },
    cost: { commandsPerDocument: 1, cpuMsPerThousand },
    processedTwice: undefined,
  };
}

/** What the targets say whose text matches. */
function judged(rows: Throughput[], what: RegExp): [figure: string, isMet: boolean][] {
  return targetsOf({ throughput: rows }).filter((target) => what.test(target.what))
    .map(({ figure, isMet }) => [figure, isMet]);
}

Deno.test("targetsOf() compares range mode with its limit at the batch at which range mode is fastest", () => {
  const limits = [row("range-limit-1000", 60_000), row("range-limit-2000", 80_000)];
  const at = (thousand: number, twoThousand: number) => [
    ...limits,
    row("range-1000", thousand),
    row("range-2000", twoThousand),
    // Not a fixed size: it has a target of its own.
    row("range-auto", 79_000),
  ];
  const SAME_BATCH = /at the same batch/;
  assertEquals(judged(at(42_000, 41_000), SAME_BATCH), [["0.70 (42,000 to 60,000 documents/s)", true]]);
  assertEquals(judged(at(42_000, 43_000), SAME_BATCH), [["0.54 (43,000 to 80,000 documents/s)", false]]);
});

Deno.test("targetsOf() leaves out a target if one of its two figures was not measured", () => {
  assertEquals(judged([row("range-2000", 42_000)], /graphile-worker/), []);
  assertEquals(judged([row("range-2000", 42_000), row("graphile-worker-500", 42_001)], /graphile-worker/), [
    ["1.00 (42,000 to 42,001 documents/s)", false],
  ]);
});

Deno.test("targetsOf() judges the server's CPU of the fastest size in range mode", () => {
  const rows = [row("range-100", 10_000, 60), row("range-2000", 40_000, 30.1)];
  assertEquals(judged(rows, /server's CPU/), [["30 ms", false]]);
  assertEquals(judged([...rows, row("range-1000", 50_000, 29)], /server's CPU/), [["29 ms", true]]);
});

Deno.test("chartsOf() draws the fastest of each kind as a multiple of the hand-written loop", () => {
  const rows = [
    row("loop-python", 400, 1000),
    row("loop-typescript", 500, 1000),
    row("range-100", 9000, 50),
    row("range-2000", 10_000, 20),
  ];
  const [speed, server] = chartsOf(rows).map(({ svg }) => svg.replaceAll(/<[^>]*>/g, "\n"));
  assertMatch(speed!, /CLAIM_MODE=range\n[^a-z]*\n20x\n10,000\/s\n/);
  assertMatch(speed!, /Hand-written loop\n[^a-z]*\n1\.0x\n500\/s\n/);
  assertMatch(server!, /CLAIM_MODE=range\n[^a-z]*\n50x\n50,000 a CPU second\n/);
  assertEquals(speed!.match(/x\n[\d,]+\/s/g)!.length, 2);
});

Deno.test("chartsOf() draws rates alone if the hand-written loop was not measured", () => {
  const [speed] = chartsOf([row("range-2000", 10_000)]);
  assertMatch(speed!.svg, /10,000\/s/);
  assertEquals(/\dx</.test(speed!.svg), false);
});
