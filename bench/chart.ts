import { number } from "./numbers.ts";
import type { Throughput } from "./throughput.ts";

const [WIDTH, LABEL, ROW, BAR, TOP] = [820, 330, 30, 18, 44] as const;
const ROOM_FOR_NUMBER = 70;

/** Horizontal bars, one per candidate, longest first; readable on light and on dark backgrounds. */
export function chartOf(rows: readonly Throughput[]): string {
  const sorted = [...rows].sort((a, b) => b.rate.median - a.rate.median);
  const longest = sorted[0]?.rate.median ?? 1;
  const height = TOP + sorted.length * ROW + 10;
  const bars = sorted.map(({ name, settings, kind, rate }, index) => {
    const y = TOP + index * ROW;
    const width = Math.max(1, rate.median / longest * (WIDTH - LABEL - ROOM_FOR_NUMBER));
    return `  <text class="label" x="${LABEL - 10}" y="${y + 14}" text-anchor="end">${
      escape(shortOf(name, settings))
    }</text>
  <rect class="${kind}" x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>
  <text class="number" x="${(LABEL + width + 6).toFixed(1)}" y="${y + 14}">${number(rate.median)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Documents a second">
  <style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 15px; }
    .agent { fill: #1a7f37; } .limit { fill: #8c959f; } .library { fill: #bc4c00; } .loop { fill: #cf222e; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .agent { fill: #3fb950; } .limit { fill: #8b949e; } .library { fill: #f0883e; } .loop { fill: #ff7b72; }
    }
  </style>
  <text class="title" x="10" y="24">Documents a second, one process, no-op processor (medians; longer is better)</text>
${bars.join("\n")}
</svg>
`;
}

function shortOf(name: string, settings: string): string {
  const [short] = name.split(":") as [string];
  return name.startsWith("Hand") || !settings ? short : `${short}, ${settings.replace(/ \(.*/, "")}`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
