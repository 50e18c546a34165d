import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import type { Job, JobAnswer, LettersAnswer } from "../../control/dashboard/api.ts";
import { spreadOf } from "../stats.ts";

/** Those that look at the same time, and how often each of them asks for each answer. */
const [VIEWERS, ROUNDS] = [20, 3];
/** The pages of a viewer ask every two seconds. */
const ROUND_MS = 2000;
/** Pages of letters that are turned to reach one that is far behind. */
const TURNED = 40;
/** The pattern of one of the groups of letters, as bench/dashboard/millions.ts makes them. */
const PATTERN = 'no customer "…"';
const ACTOR = { by: "bench", reason: "to measure" };

/** How long an answer took, in milliseconds. */
export interface AnswerFigure {
  answer: string;
  median: number;
  most: number;
  /** What the dashboard and MongoDB have computed for all viewers who asked at once, in milliseconds of one core. */
  cpu: number;
  bytes: number;
}

/**
 * Asks a dashboard for all that it answers, as many viewers at once do.
 *
 * @param cpuMs what the dashboard and MongoDB have computed so far, in milliseconds of one core
 */
export async function measureAnswers(address: string, cpuMs: () => Promise<number>): Promise<AnswerFigure[]> {
  const after = await placeBehind(address);
  const paths: Record<string, string> = {
    "who asks": "session",
    "the fleet": "overview",
    "a document that waits, by its id": "document?id=order%201000000",
    "a dead letter with its document": "document?id=failed%20150000&document=1",
    "an id that is not there": "document?id=nowhere",
    "the groups of the dead letters": "groups",
    "a page of letters, the first": "letters",
    "a page of letters, far behind": `letters?after=${encodeURIComponent(after)}`,
    "a page of letters of one group": `letters?pattern=${encodeURIComponent(PATTERN)}`,
    "the actions": "actions",
    "the jobs": "jobs",
  };
  const figures: AnswerFigure[] = [];
  for (const [answer, path] of Object.entries(paths)) {
    const took: number[] = [];
    let bytes = 0;
    const before = await cpuMs();
    for (let round = 0; round < ROUNDS; round++) {
      const begun = performance.now();
      await Promise.all(Array.from({ length: VIEWERS }, async () => {
        const { bytes: length, ms } = await asked(address, path);
        took.push(ms);
        bytes = length;
      }));
      await sleep(systemClock, Math.max(0, ROUND_MS - (performance.now() - begun)));
    }
    const cpu = (await cpuMs() - before) / ROUNDS;
    const { median, most } = spreadOf(took);
    figures.push({ answer, median, most, cpu, bytes });
  }
  return [...figures, ...await measureCount(address, cpuMs)];
}

/** A redrive: the answer that it has begun, and the count in the background. */
async function measureCount(address: string, cpuMs: () => Promise<number>): Promise<AnswerFigure[]> {
  const post = (path: string, body: unknown) =>
    fetch(`${address}api/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const before = await cpuMs();
  const begunAt = performance.now();
  const response = await post("letters/redrive", { ...ACTOR, pattern: PATTERN });
  const begun = (await response.json() as JobAnswer).job;
  const began = performance.now() - begunAt;
  let job: Job = begun;
  const polls: number[] = [];
  while (job.state === "counting") {
    const { ms, value } = await asked<JobAnswer>(address, `jobs/${begun.id}`);
    polls.push(ms);
    job = value.job;
    await sleep(systemClock, 100);
  }
  const counted = performance.now() - begunAt;
  const cpu = await cpuMs() - before;
  await post(`jobs/${begun.id}/stop`, {});
  const { median, most } = spreadOf(polls);
  const bytes = JSON.stringify({ job }).length;
  return [
    { answer: "a redrive of a group is begun", median: began, most: began, cpu: 0, bytes },
    { answer: "a job that counts", median, most, cpu: 0, bytes },
    {
      answer: `${job.count} letters are counted, in the background`,
      median: counted,
      most: counted,
      cpu,
      bytes,
    },
  ];
}

async function asked<T>(address: string, path: string): Promise<{ ms: number; bytes: number; value: T }> {
  const startMs = performance.now();
  const response = await fetch(`${address}api/${path}`);
  const text = await response.text();
  const ms = performance.now() - startMs;
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  const value = JSON.parse(text);
  // What is not known is told with 200: it would be measured as an answer, and a quick one.
  const { overview, trouble } = value;
  if (overview === null || trouble) throw new Error(`${path} tells nothing: ${trouble}`);
  return { ms, bytes: new TextEncoder().encode(text).length, value };
}

async function placeBehind(address: string): Promise<string> {
  let after = "";
  for (let page = 0; page < TURNED; page++) {
    const path: string = after === "" ? "letters" : `letters?after=${encodeURIComponent(after)}`;
    const { value } = await asked<LettersAnswer>(address, path);
    if (value.next === null) break;
    after = value.next;
  }
  return after;
}
