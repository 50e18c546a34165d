import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { onColors } from "./theme_choice.ts";
import { timeOfDay } from "./format.ts";

/** A line of a chart. */
export interface Line {
  label: string;
  /** Of page.css, without its dashes. */
  color: string;
  /** One for each step; null draws a gap. */
  values: (number | null)[];
  isFilled?: boolean;
  /** For numbers that are lower bounds. */
  isDashed?: boolean;
}

interface ChartProps {
  title: string;
  /** In words, for those who do not see the picture. */
  summary: string;
  /** The end of each step, in seconds of Unix time. */
  times: number[];
  lines: Line[];
  format: (value: number) => string;
}

const HEIGHT = 132;
/** All charts show the same moment under the pointer. */
const TOGETHER = "overview";

/** A chart of the last ten minutes. */
export function Chart({ title, summary, times, lines, format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [pointed, setPointed] = useState<number | null>(null);
  const data = [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  const shown = useRef({ data, lines, format });
  shown.current = { data, lines, format };

  useEffect(() => {
    const host = place.current!;
    const build = () => {
      plot.current?.destroy();
      const options = optionsOf(host, shown.current, setPointed);
      plot.current = new uPlot(options, shown.current.data, host);
    };
    build();
    const resized = new ResizeObserver(() => plot.current?.setSize(sizeOf(host)));
    resized.observe(host);
    const stop = onColors(build);
    return () => {
      stop();
      resized.disconnect();
      plot.current?.destroy();
    };
  }, [lines.map(({ label }) => label).join()]);
  useEffect(() => plot.current?.setData(data), [data]);

  const at = pointed ?? lastWith(lines);
  return (
    <figure class="card chart">
      <figcaption>
        <h3>{title}</h3>
        {lines.map(({ label, color, values }) => {
          const value = at === undefined ? undefined : values[at];
          return (
            <span class="reading">
              <i class={`key ${color}`} aria-hidden="true" />
              {lines.length > 1 && <span>{label}</span>}
              <b>{value === null || value === undefined ? "–" : format(value)}</b>
            </span>
          );
        })}
        <span class="moment">
          {pointed !== null && times[pointed] && timeOfDay(new Date(times[pointed]! * 1000))}
        </span>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={summary} />
    </figure>
  );
}

/** The newest step that has a number. */
function lastWith(lines: Line[]): number | undefined {
  const at = Math.max(...lines.map(({ values }) => values.findLastIndex((value) => value !== null)));
  return at < 0 ? undefined : at;
}

function sizeOf(host: HTMLElement): { width: number; height: number } {
  return { width: Math.max(120, host.clientWidth), height: HEIGHT };
}

function optionsOf(
  host: HTMLElement,
  { lines, format }: { lines: Line[]; format: (value: number) => string },
  setPointed: (at: number | null) => void,
): uPlot.Options {
  const color = (name: string) => resolved(host, name);
  const axis = {
    stroke: color("faint"),
    font: `11px ${getComputedStyle(host).fontFamily}`,
    ticks: { show: false },
    grid: { stroke: color("rule"), width: 1 },
  };
  return {
    ...sizeOf(host),
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: TOGETHER },
      points: { size: 6 },
    },
    hooks: { setCursor: [(it) => setPointed(it.cursor.idx ?? null)] },
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 4] } },
    axes: [
      { ...axis, space: 64, size: 24, grid: { show: false }, values: (_plot, ticks) => ticks.map(clockText) },
      {
        ...axis,
        space: 28,
        size: (_plot, values) => 12 + 6.2 * Math.max(2, ...(values ?? []).map((text) => text.length)),
        values: (_plot, ticks) => ticks.map(format),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: color(line.color),
        width: 1.5,
        gaps: (plot: uPlot, _series: number, _from: number, _to: number, gaps: [number, number][]) =>
          longOnes(plot, gaps),
        points: { show: false, size: 4, filter: (plot: uPlot, at: number) => alone(plot.data[at]!) },
        ...(line.isDashed && { dash: [4, 4] }),
        ...(line.isFilled && { fill: color(`${line.color}-area`) }),
      })),
    ],
  };
}

/** Steps of ten seconds without a number over which a line goes on: one agent counts what waits, each 30 to 45 seconds. */
const BRIDGED = 4;

/** Of gaps from one pixel to another, those of more steps than that. */
function longOnes(plot: uPlot, gaps: [number, number][]): [number, number][] {
  const [first = 0, second = 0] = plot.data[0];
  const step = plot.valToPos(second, "x", true) - plot.valToPos(first, "x", true);
  return gaps.filter(([from, to]) => to - from > (BRIDGED + 1.5) * step);
}

/** The places of numbers without neighbours, which no line would show. */
function alone(values: ArrayLike<number | null | undefined>): number[] {
  const has = (at: number) => (values[at] ?? null) !== null;
  return Array.from(values, (_, at) => at).filter((at) => has(at) && !has(at - 1) && !has(at + 1));
}

function clockText(seconds: number): string {
  return timeOfDay(new Date(seconds * 1000)).slice(0, 5);
}

/** A colour as the canvas takes it: the style sheet chooses by the theme. */
function resolved(host: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.className = `color-${name}`;
  host.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
