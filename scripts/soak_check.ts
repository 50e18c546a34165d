/**
 * What must hold after agents were disturbed: the documents, and the notes of the processors, show it.
 *
 * @module
 */

/** What a processor does with a document, by the word in it. */
const KINDS = ["good", "slow", "flaky", "hopeless"] as const;
export type Kind = typeof KINDS[number];

/** Runs of each kind that end by themselves if nothing is killed. */
const RUNS: Record<Kind, number> = { good: 1, slow: 1, flaky: 2, hopeless: 1 };

/** Longest time from the end of a handler to the answer of the write of its outcome, in milliseconds. */
const ACK_MS = 3000;

/**
 * A document whose agents end or freeze time and again becomes a dead letter, good or not: so many of its runs were cut
 * short, at least, those that it was alone in.
 */
const BLAMED_RUNS = 2;

/** A run of a handler, as its processor wrote it down; times in milliseconds since 1970. */
export interface Run {
  pid: number;
  startMs: number;
  /** Missing if its end was not written down. */
  endMs?: number;
}

/** What is known of a document at the end. */
export interface Fate {
  id: number;
  kind: Kind;
  status: string;
  error?: string;
  hasLetter: boolean;
  /** Its attempts, as they count towards `MAX_ATTEMPTS`, if they are looked at. */
  attempts?: number;
  runs: readonly Run[];
}

/** What is found. */
export interface Verdict {
  processed: number;
  failed: number;
  /** Documents that are gone, did not get to their end, or have the wrong one. */
  lost: number;
  /** Good documents that became dead letters because their agents were killed or cut off in run after run. */
  blamed: number;
  /** Documents that ran more often than their kind alone explains. */
  repeated: number;
  /** Those of them that nothing excuses: no kill, and no cut. */
  unexcused: number;
  /** Attempts that their kind does not explain, of all documents. */
  inVain: number;
  /** One sentence each; none if all is well. */
  problems: string[];
}

/** The processes that had no chance to drain, and when they were killed, in milliseconds. */
export type Kills = ReadonlyMap<number, number>;

/** A time in which processes could not reach the database, or did not run; in milliseconds since 1970. */
export interface Cut {
  fromMs: number;
  toMs: number;
  /** The processes; without it all of them. */
  pids?: readonly number[];
}

/** Judges the fates of `inserted` documents. */
export function judge(
  fates: readonly Fate[],
  inserted: number,
  killed: Kills,
  cuts: readonly Cut[] = [],
): Verdict {
  const verdict: Verdict = {
    ...{ processed: 0, failed: 0, lost: Math.max(0, inserted - fates.length) },
    ...{ blamed: 0, repeated: 0, unexcused: 0, inVain: 0, problems: [] },
  };
  if (fates.length !== inserted) {
    verdict.problems.push(`${inserted} were inserted, ${fates.length} are there`);
  }
  const excuses = { killed, cuts };
  for (const fate of fates) {
    const { attempts, kind, runs, status } = fate;
    if (status === "processed") verdict.processed += 1;
    if (status === "failed") verdict.failed += 1;
    if (isBlamed(fate, excuses)) verdict.blamed += 1;
    else if (status !== wantedOf(kind) || runs.every(({ endMs }) => endMs === undefined)) verdict.lost += 1;
    if (runs.length > RUNS[kind]) verdict.repeated += 1;
    if (undisturbedOf(runs, excuses).length > RUNS[kind]) verdict.unexcused += 1;
    if (attempts !== undefined) {
      verdict.inVain += Math.max(0, attempts - RUNS[kind] - cutShort(runs, excuses).length);
    }
    for (const problem of problemsOf(fate, excuses)) {
      verdict.problems.push(`${fate.id} (${kind}) ${problem}`);
    }
  }
  return verdict;
}

interface Excuses {
  killed: Kills;
  cuts: readonly Cut[];
}

function wantedOf(kind: Kind): string {
  return kind === "hopeless" ? "failed" : "processed";
}

function undisturbedOf(runs: readonly Run[], excuses: Excuses): Run[] {
  return runs.filter((run) => !isDisturbed(run, excuses));
}

/** Runs without an end, because a kill or a cut hit them: while a document is alone, each costs it an attempt. */
function cutShort(runs: readonly Run[], excuses: Excuses): Run[] {
  return runs.filter((run) => run.endMs === undefined && isDisturbed(run, excuses));
}

function isBlamed({ error, hasLetter, kind, runs, status }: Fate, excuses: Excuses): boolean {
  return wantedOf(kind) !== status && status === "failed" && hasLetter &&
    error !== undefined &&
    /process ended or froze \d+ times while it processed this document alone$/.test(error) &&
    cutShort(runs, excuses).length >= BLAMED_RUNS;
}

function* problemsOf(fate: Fate, excuses: Excuses) {
  if (isBlamed(fate, excuses)) return;
  const { kind, status, error, hasLetter, runs } = fate;
  const wanted = wantedOf(kind);
  if (status !== wanted) yield `is ${status}, not ${wanted}${error ? `: ${error}` : ""}`;
  else if (kind === "hopeless" && !error?.includes("hopeless")) yield `failed for another reason: ${error}`;
  if (hasLetter !== (status === "failed")) yield hasLetter ? "has a letter" : "has no letter";
  const undisturbed = undisturbedOf(runs, excuses);
  // A run is repeated if it was cut short, or if its ack was prevented; no other run is.
  if (undisturbed.length > RUNS[kind]) yield `ran ${undisturbed.length} times where nothing was killed`;
  const ended = runs.filter(({ endMs }) => endMs !== undefined).length;
  if (ended === 0) yield "never ran to its end";
  else if (ended < RUNS[kind]) yield `ran to its end ${ended} times, not ${RUNS[kind]}`;
  if (undisturbed.some(({ endMs }) => endMs === undefined)) yield "was cut short where nothing was killed";
  if (overlap(runs, excuses)) yield "ran twice at once";
}

/** Whether a kill or a cut hit this run, or came so early after it that the write of its outcome may have been lost. */
function isDisturbed(run: Run, excuses: Excuses): boolean {
  const killedMs = excuses.killed.get(run.pid);
  return (killedMs !== undefined && killedMs < (run.endMs ?? Infinity) + ACK_MS) || isCut(run, excuses);
}

/** When it was over, by itself or with its process. */
function overMs({ endMs, pid }: Run, { killed }: Excuses): number {
  return endMs ?? killed.get(pid) ?? Infinity;
}

/** Whether its process was cut off during this run or its ack, or so shortly before that it still made up for it. */
function isCut(run: Run, excuses: Excuses): boolean {
  const settledMs = overMs(run, excuses) + ACK_MS;
  return excuses.cuts.some(({ fromMs, toMs, pids }) =>
    (pids === undefined || pids.includes(run.pid)) && fromMs < settledMs && run.startMs < toMs + ACK_MS
  );
}

/** Whether a run began before the previous one had ended, by itself or with its process, and no cut took its lease. */
function overlap(runs: readonly Run[], excuses: Excuses): boolean {
  const inOrder = runs.toSorted((a, b) => a.startMs - b.startMs);
  return inOrder.some((run, index) => {
    const next = inOrder[index + 1];
    return next !== undefined && next.startMs < overMs(run, excuses) && !isCut(run, excuses);
  });
}
