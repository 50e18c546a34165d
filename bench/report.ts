import type { BacklogResult } from "./measures/backlog.ts";
import type { IdleResult } from "./measures/idle.ts";
import type { LatencyResult } from "./measures/latency.ts";
import type { MemoryResult } from "./measures/memory.ts";
import type { ReplicasResult } from "./measures/replicas.ts";
import type { SizesResult } from "./measures/sizes.ts";
import { type Target, targetsOf } from "./targets.ts";
import type { Throughput } from "./throughput.ts";

/** All measurements; those that were not asked for are missing. */
export interface Report {
  machine: [string, string][];
  throughput?: Throughput[];
  replicas?: ReplicasResult[];
  latency?: LatencyResult[];
  backlog?: BacklogResult[];
  memory?: MemoryResult[];
  startMs?: number;
  idle?: IdleResult;
  sizes?: SizesResult;
}

/** The report as tables, for the terminal and for the document. */
export function reportText(report: Report): string {
  return [
    section("Throughput", report.throughput && throughputTable(report.throughput)),
    section("Targets", targetsTable(targetsOf(report))),
    section("Replicas", report.replicas && replicasTable(report.replicas)),
    section("Pick-up latency of single inserts", report.latency && latencyTable(report.latency)),
    section("Backlog", report.backlog && backlogTable(report.backlog)),
    section("Memory", report.memory && memoryTable(report.memory)),
    section("One agent", table(["What", "Figure"], oneAgent(report))),
    section("Machine and versions", table(["", ""], report.machine)),
  ].filter((text) => text !== "").join("\n\n");
}

function throughputTable(rows: Throughput[]): string {
  const loop = Math.max(...rows.filter(({ kind }) => kind === "loop").map(({ rate }) => rate));
  return table(
    [
      "Candidate",
      "Settings",
      "Documents/s",
      "to the loop",
      "Documents",
      "Commands/document",
      "Server CPU/1,000",
      "Twice",
    ],
    rows.map(({ name, settings, rate, rates, documents, cost, processedTwice }) => [
      name,
      settings,
      `**${number(rate)}** (${number(Math.min(...rates))} to ${number(Math.max(...rates))})`,
      Number.isFinite(loop) ? `${(rate / loop).toFixed(1)}x` : "",
      number(documents),
      cost.commandsPerDocument.toFixed(3),
      `${cost.cpuMsPerThousand.toFixed(0)} ms`,
      processedTwice === undefined ? "" : number(processedTwice),
    ]),
  );
}

function targetsTable(targets: Target[]): string {
  return table(
    ["Target", "Figure", ""],
    targets.map(({ what, figure, isMet }) => [what, figure, isMet ? "met" : "**not met**"]),
  );
}

function replicasTable(rows: ReplicasResult[]): string {
  return table(
    ["Replicas", "Documents/s together", "Lost to conflicts", "Twice"],
    rows.map((row) => [
      number(row.replicas),
      number(row.rate),
      `${(row.lost * 100).toFixed(1)} %`,
      number(row.processedTwice),
    ]),
  );
}

function latencyTable(rows: LatencyResult[]): string {
  return table(
    ["Woken by", "Agent is", "p50", "p99", "Inserts"],
    rows.map(({ wakeUp, load, p50, p99, documents }) => [
      wakeUp === "polling" ? "polling, POLL_INTERVAL=1" : wakeUp,
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
    ["Size of a document", "Documents", "Resident at most"],
    rows.map(({ size, documents, peakMib }) => [size, number(documents), `${peakMib.toFixed(0)} MiB`]),
  );
}

function oneAgent({ startMs, idle, sizes }: Report): string[][] {
  const rows: string[][] = [];
  if (startMs !== undefined) rows.push(["Start to first document, median", `${startMs.toFixed(0)} ms`]);
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

function section(title: string, text: string | undefined): string {
  return text ? `### ${title}\n\n${text}` : "";
}

function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return "";
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A whole number with separated thousands. */
export function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
