import { fastestRow } from "./ratios.ts";
import type { Figures } from "./report.ts";

/** A goal for one figure. */
export interface Bound {
  readonly what: string;
  /** Undefined if it was not measured. */
  figure(figures: Partial<Figures>): number | undefined;
  text(value: number): string;
  readonly most: number;
}

const ms = (value: number) => `${value.toFixed(0)} ms`;
const exactMs = (value: number) => `${value.toFixed(1)} ms`;
const mib = (value: number) => `${value.toFixed(0)} MiB`;

/** All of them, in the order of their table. */
export const BOUNDS: readonly Bound[] = [
  {
    what: "The server's CPU in range mode at most 30 ms for 1,000 documents",
    figure: ({ throughput = [] }) => fastestRow(throughput, /^range-\d/)?.cost.cpuMsPerThousand,
    text: ms,
    most: 30,
  },
  {
    what: "8 replicas lose at most 5 % of claims to conflicts",
    figure: ({ replicas = [] }) =>
      replicas.find(({ of, replicas }) => of === "document" && replicas === 8)?.lost,
    text: (share) => `${(share * 100).toFixed(1)} %`,
    most: 0.05,
  },
  {
    what: "Pick-up p99 at most 20 ms with change streams, idle",
    figure: pickUp("idle"),
    text: exactMs,
    most: 20,
  },
  {
    what: "Pick-up p99 at most 30 ms with change streams, under load",
    figure: pickUp("under load"),
    text: exactMs,
    most: 30,
  },
  {
    what: "Idle CPU at most 0.5 % of a core",
    figure: ({ idle }) => idle?.cpu,
    text: (share) => `${(share * 100).toFixed(3)} %`,
    most: 0.005,
  },
  {
    what: "At most 120 MiB resident at default settings",
    figure: resident("100 B", /^default$/),
    text: mib,
    most: 120,
  },
  {
    what: "At most 120 MiB resident in range mode",
    figure: resident("100 B", /^CLAIM_MODE=range$/),
    text: mib,
    most: 120,
  },
  {
    what: "Bounded by bytes: documents of 1 MB in at most 256 MiB resident, in both modes",
    figure: resident("1 MB", /./),
    text: mib,
    most: 256,
  },
  {
    what: "10,000 small documents held in at most 256 MiB resident, in both modes",
    figure: resident("100 B", /BATCH_SIZE=(5000|auto)$/),
    text: mib,
    most: 256,
  },
  {
    what: "Start to first document at most 250 ms",
    figure: ({ start }) => start,
    text: ms,
    most: 250,
  },
];

function pickUp(load: "idle" | "under load"): Bound["figure"] {
  return ({ latency = [] }) =>
    latency.find((row) => row.load === load && row.wakeUp === "change stream" && row.claims === "document")
      ?.p99;
}

/** The most of all rows. */
function resident(size: string, settings: RegExp): Bound["figure"] {
  return ({ memory = [] }) => {
    const rows = memory.filter((row) => row.size === size && settings.test(row.settings));
    return rows.length === 0 ? undefined : Math.max(...rows.map(({ peakMib }) => peakMib));
  };
}
