import { number } from "./numbers.ts";
import type { Figures } from "./report.ts";
import type { Throughput } from "./throughput.ts";

/** A goal for a figure. */
export interface Target {
  what: string;
  figure: string;
  isMet: boolean;
}

/** The targets whose figures were measured. */
export function targetsOf(figures: Partial<Figures>): Target[] {
  return [
    ...throughputTargets(figures.throughput ?? []),
    ...replicaTargets(figures),
    ...otherTargets(figures),
    ...duplicateTargets(figures),
  ];
}

function throughputTargets(rows: Throughput[]): Target[] {
  const best = (accept: (row: Throughput) => boolean) =>
    Math.max(...rows.filter(accept).map(({ rate }) => rate.median));
  const loop = best(({ kind }) => kind === "loop");
  const library = best(({ kind }) => kind === "library");
  const limit = best(({ kind }) => kind === "limit");
  const atDefault = best(({ id }) => id === "agent-default");
  const atBest = best(({ id }) => id === "agent-best");
  const auto = best(({ id }) => id === "agent-auto");
  const fixed = best(({ id, kind }) => kind === "agent" && id !== "agent-auto");
  const targets = [
    ratio("At its best at least 0.85 of the limit", atBest, limit, 0.85),
    ratio("At its best at least 20 times the hand-written loop", atBest, loop, 20),
    ratio("At default settings at least 10 times the hand-written loop", atDefault, loop, 10),
    ratio("At default settings at least 18 times every MongoDB library", atDefault, library, 18),
    ratio("BATCH_SIZE=auto at least 0.9 of the best fixed size", auto, fixed, 0.9),
  ];
  return targets.filter((target) => target !== undefined);
}

/** Undefined if one of the two was not measured. */
function ratio(what: string, rate: number, of: number, wanted: number): Target | undefined {
  if (!Number.isFinite(rate) || !Number.isFinite(of)) return undefined;
  const figure = `${(rate / of).toFixed(2)} (${number(rate)} to ${number(of)} documents/s)`;
  return { what, figure, isMet: rate / of >= wanted };
}

function replicaTargets({ replicas = [] }: Partial<Figures>): Target[] {
  const one = replicas.find((row) => row.replicas === 1);
  const eight = replicas.find((row) => row.replicas === 8);
  if (!one || !eight) return [];
  return [
    {
      what: "8 replicas lose under 5 % of claims to conflicts",
      figure: `${(eight.lost * 100).toFixed(1)} %`,
      isMet: eight.lost < 0.05,
    },
    ratio("8 replicas together reach at least 0.9 of one", eight.rate, one.rate, 0.9)!,
  ];
}

function otherTargets(
  { backlog = [], latency = [], idle, memory = [], start }: Partial<Figures>,
): Target[] {
  const targets: Target[] = [];
  if (backlog.length > 0) {
    const times = backlog.map(({ claimMs }) => claimMs);
    const [least, most] = [backlog[0]!, backlog.at(-1)!].map((row) => number(row.backlog));
    targets.push({
      what: `A claim takes the same time, within a fifth, with ${least} documents waiting and with ${most}`,
      figure: times.map((ms) => `${ms.toFixed(1)} ms`).join(", "),
      isMet: Math.max(...times) <= Math.min(...times) * 1.2,
    });
  }
  for (const { load, p99 } of latency.filter(({ wakeUp }) => wakeUp === "change stream")) {
    targets.push({
      what: `Pick-up p99 under 20 ms with change streams, ${load}`,
      figure: `${p99.toFixed(1)} ms`,
      isMet: p99 < 20,
    });
  }
  if (idle) {
    const figure = `${(idle.cpu * 100).toFixed(3)} %`;
    targets.push({ what: "Idle CPU under 0.5 % of a core", figure, isMet: idle.cpu < 0.005 });
  }
  const small = memory.find(({ size }) => size === "100 B");
  if (small) {
    targets.push({
      what: "Under 120 MiB resident at default settings",
      figure: `${small.peakMib.toFixed(0)} MiB`,
      isMet: small.peakMib < 120,
    });
  }
  const large = memory.find(({ size }) => size === "1 MB");
  if (large) {
    targets.push({
      what: `Bounded by bytes: ${number(large.documents)} documents of 1 MB under 256 MiB resident`,
      figure: `${large.peakMib.toFixed(0)} MiB`,
      isMet: large.peakMib < 256,
    });
  }
  if (start !== undefined) {
    const figure = `${start.toFixed(0)} ms`;
    targets.push({ what: "Start to first document under 250 ms", figure, isMet: start < 250 });
  }
  return targets;
}

function duplicateTargets(
  { throughput = [], replicas = [], processors = [], effects = [] }: Partial<Figures>,
): Target[] {
  const counts = [...throughput, ...replicas, ...processors, ...effects].map((row) => row.processedTwice)
    .filter((count) => count !== undefined);
  if (counts.length === 0) return [];
  const twice = counts.reduce((sum, count) => sum + count, 0);
  return [{ what: "No document processed twice in any run", figure: number(twice), isMet: twice === 0 }];
}
