import { BSON, type Document } from "bson";
import type { Verdict } from "./breaches.ts";
import { Judge } from "./judge.ts";
import { OplogReader } from "./oplog.ts";
import { type Line, type Run, RunReader } from "./run_log.ts";
import type { Terms } from "./terms.ts";
import { Disturbances, type Told } from "./told.ts";

/** Runs are read so far ahead of the writes that were made after them, in milliseconds. */
const AHEAD_MS = 5000;

/** Judges the files of a run in a folder, entry by entry. */
export async function judgeFiles(dir: string): Promise<Verdict> {
  const told: Told[] = [];
  for await (const line of linesOf(`${dir}/told.jsonl`)) told.push(line as Told);
  return await judgeRun({
    terms: JSON.parse(await Deno.readTextFile(`${dir}/terms.json`)),
    told,
    runs: linesOf(`${dir}/runs.jsonl`) as AsyncGenerator<Line>,
    oplog: documentsOf(`${dir}/oplog.bson`),
  });
}

/** All runs of handlers in a file. */
export async function readRuns(path: string): Promise<Run[]> {
  return await new RunReader(linesOf(path) as AsyncGenerator<Line>, () => false).until(Infinity);
}

/** All that is known of a run. */
export interface RecordedRun {
  readonly terms: Terms;
  readonly told: readonly Told[];
  /** In the order in which they were written. */
  readonly runs: AsyncIterator<Line>;
  readonly oplog: AsyncIterable<Document>;
}

/** Judges a run. */
export async function judgeRun({ oplog, runs: lines, terms, told }: RecordedRun): Promise<Verdict> {
  const disturbances = new Disturbances(told);
  const judge = new Judge(terms, disturbances);
  const runs = new RunReader(lines, (agent) => disturbances.isShifted(agent));
  const reader = new OplogReader();
  for await (const entry of oplog) {
    const writes = reader.writesOf(entry);
    if (writes.length === 0) continue;
    judge.runs(await runs.until(writes.at(-1)!.wall + AHEAD_MS));
    judge.writes(writes);
  }
  judge.runs(await runs.until(Infinity));
  return judge.end();
}

/** What each line of a file holds as JSON. A last line that a kill has cut short is left out. */
async function* linesOf(path: string): AsyncGenerator<unknown> {
  let rest = "";
  const file = await Deno.open(path);
  for await (const text of file.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}

/** The documents of a file of BSON. */
async function* documentsOf(path: string): AsyncGenerator<Document> {
  let rest = new Uint8Array(0);
  const file = await Deno.open(path);
  for await (const chunk of file.readable) {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    let from = 0;
    while (bytes.length - from >= 4) {
      const length = new DataView(bytes.buffer, from).getInt32(0, true);
      if (bytes.length - from < length) break;
      yield BSON.deserialize(bytes.subarray(from, from + length));
      from += length;
    }
    rest = bytes.slice(from);
  }
}
