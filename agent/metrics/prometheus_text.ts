import type { Instrument } from "./instrument.ts";
import type { Distribution, Family, Series } from "./numbers.ts";

/** What the text is, for HTTP. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Writes numbers in the text format of Prometheus. */
export function prometheusText(families: readonly Family[]): string {
  return families.filter(({ series }) => series.length > 0).map(familyText).join("");
}

function familyText({ instrument, series }: Family): string {
  const { name, help, kind } = instrument;
  const head = `# HELP ${name} ${
    help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
  }\n# TYPE ${name} ${kind}\n`;
  return head + series.map((each) => seriesText(instrument, each)).join("");
}

function seriesText({ buckets = [], name }: Instrument, { labels, value }: Series): string {
  return typeof value === "number"
    ? line(name, labels, value)
    : distributionText(name, { buckets, labels, value });
}

function distributionText(
  name: string,
  { buckets, labels, value: { counts, sum } }: {
    buckets: readonly number[];
    labels: Series["labels"];
    value: Distribution;
  },
): string {
  let below = 0;
  const lines = counts.map((count, index) => {
    below += count;
    const bound = index < buckets.length ? numberText(buckets[index]!) : "+Inf";
    return line(`${name}_bucket`, { ...labels, le: bound }, below);
  });
  return lines.join("") + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, below);
}

function line(name: string, labels: Series["labels"], value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : value < 0 ? "-Inf" : "NaN";
}
