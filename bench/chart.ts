import { number } from "./numbers.ts";
import { fastestRow } from "./ratios.ts";
import type { Throughput } from "./throughput.ts";

const [WIDTH, LABEL, ROW, BAR, TOP] = [840, 310, 32, 20, 66] as const;
const ROOM_FOR_NUMBER = 200;

/** A bar: the fastest of the rows whose ids match. */
interface Bar {
  readonly ids: RegExp;
  readonly label: string;
}

/** What is compared: by these all others are measured, so a chart without them says nothing. */
const LOOP: Bar = { ids: /^loop-/, label: "Hand-written loop" };

const BARS: readonly Bar[] = [
  LOOP,
  { ids: /^agenda$/, label: "agenda" },
  { ids: /^mongodb-queue$/, label: "mongodb-queue" },
  { ids: /^mongo-jobs$/, label: "@clipboard-health/mongo-jobs" },
  { ids: /^graphile-worker-/, label: "graphile-worker (PostgreSQL)" },
  { ids: /^agent-default$/, label: "pulling-agent, default" },
  { ids: /^agent-/, label: "pulling-agent, best batch" },
  { ids: /^range-(\d|auto)/, label: "pulling-agent, CLAIM_MODE=range" },
  { ids: /^limit-/, label: "The limit" },
  { ids: /^range-limit-/, label: "The limit of range claims" },
];

/** A chart, and the file that it goes into. */
export interface Chart {
  /** The end of its name, after that of the figures. */
  readonly file: string;
  readonly alt: string;
  readonly svg: string;
}

/** The charts of the throughput: each tells one thing, as multiples of the hand-written loop. */
export function chartsOf(rows: readonly Throughput[]): Chart[] {
  return [
    {
      file: "",
      alt: "Documents a second, as multiples of a hand-written loop",
      svg: svgOf(rows, {
        title: "How many times as fast as a hand-written loop",
        subtitle: "Documents a second, one process, a processor that does nothing. Longer is better.",
        rate: ({ rate }) => rate.median,
        unit: "/s",
      }),
    },
    {
      file: "_server",
      alt: "Documents for a second of the server's CPU, as multiples of a hand-written loop",
      svg: svgOf(rows, {
        title: "How many times as much for the same CPU of the database server",
        subtitle: "Documents for a second of the server's CPU, which is what you pay for. Longer is better.",
        rate: ({ cost }) => 1_000_000 / cost.cpuMsPerThousand,
        unit: " a CPU second",
      }),
    },
  ];
}

interface What {
  readonly title: string;
  readonly subtitle: string;
  rate(row: Throughput): number;
  readonly unit: string;
}

/** Horizontal bars, in one order in all charts; readable on light and on dark backgrounds. */
function svgOf(rows: readonly Throughput[], { rate, subtitle, title, unit }: What): string {
  const loop = fastestRow(rows, LOOP.ids);
  const bars = BARS.flatMap(({ ids, label }) => {
    const row = fastestRow(rows, ids);
    return row ? [{ label, kind: row.kind, value: rate(row), isOwn: row.kind === "agent" }] : [];
  });
  const longest = Math.max(...bars.map(({ value }) => value));
  const height = TOP + bars.length * ROW + 6;
  const drawn = bars.map(({ isOwn, kind, label, value }, index) => {
    const y = TOP + index * ROW;
    const width = Math.max(1, value / longest * (WIDTH - LABEL - ROOM_FOR_NUMBER));
    const times = loop ? `${timesOf(value / rate(loop))}x` : "";
    const own = isOwn ? " own" : "";
    return `  <text class="label${own}" x="${LABEL - 10}" y="${y + 15}" text-anchor="end">${label}</text>
  <rect class="${kind}" x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>
  <text class="times" x="${(LABEL + width + 8).toFixed(1)}" y="${
      y + 15
    }">${times}<tspan class="small" dx="8">${number(value)}${unit}</tspan></text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">
  <style>
    text { font: 14px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 18px; }
    .own { font-weight: 600; }
    .times { font-weight: 600; font-size: 15px; }
    .small { font-weight: 400; font-size: 12px; fill: #59636e; }
    .agent { fill: #1a7f37; } .limit { fill: #afb8c1; } .library { fill: #bc4c00; } .loop { fill: #cf222e; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .small { fill: #9198a1; }
      .agent { fill: #3fb950; } .limit { fill: #656c76; } .library { fill: #f0883e; } .loop { fill: #ff7b72; }
    }
  </style>
  <text class="title" x="10" y="24">${title}</text>
  <text class="small" x="10" y="45">${subtitle}</text>
${drawn.join("\n")}
</svg>
`;
}

function timesOf(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(1) : number(ratio);
}
