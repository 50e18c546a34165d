import { table } from "../scripts/markdown_table.ts";
import type { BacklogResult } from "./measures/backlog.ts";
import type { IdleResult } from "./measures/idle.ts";
import type { LatencyResult } from "./measures/latency.ts";
import type { MemoryResult } from "./measures/memory.ts";
import type { ProcessorResult } from "./measures/processors.ts";
import type { ReplicasResult } from "./measures/replicas.ts";
import type { SizesResult } from "./measures/sizes.ts";
import { chartsOf } from "./chart.ts";
import { number, spreadText } from "./numbers.ts";
import { type Target, targetsOf } from "./targets.ts";
import type { Throughput } from "./throughput.ts";

/** What each measurement finds. */
export interface Figures {
  throughput: Throughput[];
  processors: ProcessorResult[];
  effects: Throughput[];
  replicas: ReplicasResult[];
  latency: LatencyResult[];
  backlog: BacklogResult[];
  memory: MemoryResult[];
  /** Time to the first document, in milliseconds. */
  start: number;
  idle: IdleResult;
  sizes: SizesResult;
}

/** The date, the machine and the versions of a measurement, by the name of each. */
export type Conditions = Record<string, string>;

/** What was measured, and under which conditions each. Measurements that were not made are missing. */
export type Results = { [Name in keyof Figures]?: { conditions: Conditions; figures: Figures[Name] } };

/** The results for the document: the charts, and the tables. */
export function documentText(results: Results): string {
  const charts = results.throughput ? chartsOf(results.throughput.figures) : [];
  return [...charts.map(({ alt, file }) => `![${alt}](performance${file}.svg)`), reportText(results)]
    .join("\n\n");
}

/** The results as tables. */
export function reportText(results: Results): string {
  const figures = figuresOf(results);
  return [
    section("Throughput", figures.throughput && throughputTable(figures.throughput)),
    section("Processors in other languages", figures.processors && processorsTable(figures.processors)),
    section("Writes to another collection", figures.effects && throughputTable(figures.effects)),
    section("Targets", targetsTable(targetsOf(figures))),
    section("Replicas", figures.replicas && replicasTable(figures.replicas)),
    section("Pick-up latency of single inserts", figures.latency && latencyTable(figures.latency)),
    section("Backlog", figures.backlog && backlogTable(figures.backlog)),
    section("Memory", figures.memory && memoryTable(figures.memory)),
    section("One agent", tableIfAny(["What", "Figure"], oneAgent(figures))),
    section("Machine and versions", conditionsTable(results)),
  ].filter(Boolean).join("\n\n");
}

/** The figures without their conditions. */
function figuresOf(results: Results): Partial<Figures> {
  return Object.fromEntries(Object.entries(results).map(([name, { figures }]) => [name, figures]));
}

function throughputTable(rows: Throughput[]): string {
  const loop = Math.max(...rows.filter(({ kind }) => kind === "loop").map(({ rate }) => rate.median));
  return table(
    [
      "Candidate",
      "Settings",
      "Documents/s",
      "to the loop",
      "Documents",
      "Commands/document",
      "Server CPU/1,000",
      "Program CPU/1,000",
      "Log/document",
      "Twice",
    ],
    rows.map(({ name, settings, rate, documents, cost, programCpuMs, processedTwice }) => [
      name,
      settings,
      spreadText(rate),
      Number.isFinite(loop) ? `${(rate.median / loop).toFixed(1)}x` : "",
      number(documents),
      cost.commandsPerDocument.toFixed(3),
      `${cost.cpuMsPerThousand.toFixed(0)} ms`,
      programCpuMs === undefined ? "" : `${programCpuMs.toFixed(0)} ms`,
      cost.logBytesPerDocument === undefined ? "" : `${number(cost.logBytesPerDocument)} B`,
      processedTwice === undefined ? "" : number(processedTwice),
    ]),
  );
}

function processorsTable(rows: ProcessorResult[]): string {
  return table(
    [
      "Processor",
      "Settings",
      "Documents/s",
      "Agent CPU/1,000",
      "with its programs",
      "Insert to processed, p50",
      "p99",
      "Memory of the agent",
      "with its programs",
      "Connections",
      "Twice",
    ],
    rows.map((row) => [
      row.name,
      row.settings,
      spreadText(row.rate),
      `${row.agentCpuMs.toFixed(0)} ms`,
      `${row.treeCpuMs.toFixed(0)} ms`,
      `${row.p50Ms.toFixed(1)} ms`,
      `${row.p99Ms.toFixed(1)} ms`,
      `${row.agentMib.toFixed(0)} MiB`,
      `${row.treeMib.toFixed(0)} MiB`,
      row.connections === undefined ? "" : number(row.connections),
      number(row.processedTwice),
    ]),
  );
}

function targetsTable(targets: Target[]): string {
  return tableIfAny(
    ["Target", "Figure", ""],
    targets.map(({ what, figure, isMet }) => [what, figure, isMet ? "met" : "**not met**"]),
  );
}

function replicasTable(rows: ReplicasResult[]): string {
  return table(
    ["Replicas", "Settings", "Documents/s together", "Lost to conflicts", "Twice"],
    rows.map(({ lost, processedTwice, rate, replicas, settings }) => [
      number(replicas),
      settings,
      number(rate),
      lost === undefined ? "" : `${(lost * 100).toFixed(1)} %`,
      processedTwice === undefined ? "" : number(processedTwice),
    ]),
  );
}

function latencyTable(rows: LatencyResult[]): string {
  return table(
    ["Woken by", "Claims", "Agent is", "p50", "p99", "Inserts"],
    rows.map(({ claims, wakeUp, load, p50, p99, documents }) => [
      wakeUp === "polling" ? "polling, POLL_INTERVAL=1" : wakeUp,
      `by ${claims}`,
      load,
      `${p50.toFixed(1)} ms`,
      `${p99.toFixed(1)} ms`,
      number(documents),
    ]),
  );
}

function backlogTable(rows: BacklogResult[]): string {
  return table(
    ["Documents waiting", "Claim of 100", "Claims"],
    rows.map(({ backlog, claimMs, claims }) => [number(backlog), `${claimMs.toFixed(1)} ms`, number(claims)]),
  );
}

function memoryTable(rows: MemoryResult[]): string {
  return table(
    ["Size of a document", "Settings", "Documents", "Resident at most"],
    rows.map(({ size, settings, documents, peakMib }) => [
      size,
      settings,
      number(documents),
      `${peakMib.toFixed(0)} MiB`,
    ]),
  );
}

function oneAgent({ start, idle, sizes }: Partial<Figures>): string[][] {
  const rows: string[][] = [];
  if (start !== undefined) rows.push(["Start to first document, median", `${start.toFixed(0)} ms`]);
  if (idle) {
    rows.push([`Idle CPU over ${idle.seconds} s, median`, `${(idle.cpu * 100).toFixed(2)} % of a core`]);
    rows.push(["CPU of the server meanwhile", `${(idle.serverCpu * 100).toFixed(2)} % of a core`]);
    rows.push(["CPU of one `health liveness`", `${idle.probeCpuMs.toFixed(0)} ms`]);
  }
  if (sizes) {
    rows.push(["Size of the executable", `${sizes.binaryMib.toFixed(0)} MiB`]);
    const image = sizes.imageMib === undefined ? "not built here" : `${sizes.imageMib.toFixed(0)} MiB`;
    rows.push(["Size of the scratch image", image]);
  }
  return rows;
}

/** A condition that differs between measurements has a row for each of its values. */
function conditionsTable(results: Results): string {
  const all = Object.entries(results);
  const names = new Set(all.flatMap(([, { conditions }]) => Object.keys(conditions)));
  const rows = [...names].flatMap((name) => {
    const measured = Map.groupBy(all, ([, { conditions }]) => conditions[name] ?? "");
    return [...measured].map(([value, of]) => [
      name,
      value,
      of.length === all.length ? "all" : of.map(([measurement]) => measurement).join(", "),
    ]);
  });
  return tableIfAny(["", "", "Measurements"], rows);
}

function section(title: string, text: string | undefined): string {
  return text ? `### ${title}\n\n${text}` : "";
}

function tableIfAny(head: string[], rows: string[][]): string {
  return rows.length === 0 ? "" : table(head, rows);
}
