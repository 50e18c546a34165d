import { BOUNDS } from "./bounds.ts";
import { number } from "./numbers.ts";
import { RATIOS } from "./ratios.ts";
import type { Figures } from "./report.ts";

/** A goal, and the figure that was measured for it. */
export interface Target {
  what: string;
  figure: string;
  isMet: boolean;
}

/** The targets whose figures were measured. */
export function targetsOf(figures: Partial<Figures>): Target[] {
  return [...ratioTargets(figures), ...backlogTargets(figures), ...boundTargets(figures), ...twice(figures)];
}

function ratioTargets(figures: Partial<Figures>): Target[] {
  return RATIOS.flatMap(({ least, of, rate, what }) => {
    const [one, other] = [rate(figures), of(figures)];
    if (one === undefined || other === undefined) return [];
    const figure = `${(one / other).toFixed(2)} (${number(one)} to ${number(other)} documents/s)`;
    return [{ what, figure, isMet: one / other >= least }];
  });
}

function boundTargets(figures: Partial<Figures>): Target[] {
  return BOUNDS.flatMap(({ figure, most, text, what }) => {
    const value = figure(figures);
    return value === undefined ? [] : [{ what, figure: text(value), isMet: value <= most }];
  });
}

function backlogTargets({ backlog = [] }: Partial<Figures>): Target[] {
  if (backlog.length === 0) return [];
  const times = backlog.map(({ claimMs }) => claimMs);
  const [least, most] = [backlog[0]!, backlog.at(-1)!].map((row) => number(row.backlog));
  return [{
    what: `A claim takes the same time, within a fifth, with ${least} documents waiting and with ${most}`,
    figure: times.map((ms) => `${ms.toFixed(1)} ms`).join(", "),
    isMet: Math.max(...times) <= Math.min(...times) * 1.2,
  }];
}

function twice(
  { effects = [], processors = [], replicas = [], throughput = [] }: Partial<Figures>,
): Target[] {
  const counts = [...throughput, ...replicas, ...processors, ...effects].map((row) => row.processedTwice)
    .filter((count) => count !== undefined);
  if (counts.length === 0) return [];
  const sum = counts.reduce((sum, count) => sum + count, 0);
  return [{ what: "No document processed twice in any run", figure: number(sum), isMet: sum === 0 }];
}
