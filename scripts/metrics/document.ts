import type { Instrument, LabelValues } from "../../agent/metrics/instrument.ts";
import { INSTRUMENTS } from "../../agent/metrics/instruments.ts";
import { table } from "../markdown_table.ts";

const instruments: readonly Instrument[] = Object.values(INSTRUMENTS);

/** The table of all instruments. */
export function instrumentsTable(): string {
  const rows = instruments.map(({ name, kind, labels = {}, help }) => [
    `\`${name}\``,
    kind,
    Object.entries(labels).map(labelText).join("; "),
    help,
  ]);
  return table(["Name", "Kind", "Labels", "Meaning"], rows);
}

/** The buckets of the histograms. */
export function bucketsTable(): string {
  const rows = instruments.flatMap(({ name, buckets }) =>
    buckets === undefined ? [] : [[`\`${name}\``, buckets.join(", ")]]
  );
  return table(["Histogram", "Upper bounds of the buckets, in seconds"], rows);
}

function labelText([label, values]: [string, LabelValues]): string {
  return `\`${label}\`: ${"fact" in values ? "known at the start" : values.join(", ")}`;
}
