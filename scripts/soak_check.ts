/**
 * What must hold after a soak: the documents, and the notes of the processors, show it.
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
  runs: readonly Run[];
}

/** The outcome of a soak. */
export interface Verdict {
  processed: number;
  failed: number;
  /** Documents that ran more often than their kind alone explains. */
  repeated: number;
  /** One sentence each; none if all is well. */
  problems: string[];
}

/** The processes that had no chance to drain, and when they were killed, in milliseconds. */
export type Kills = ReadonlyMap<number, number>;

/** Judges the fates of `inserted` documents. */
export function judge(fates: readonly Fate[], inserted: number, killed: Kills): Verdict {
  const verdict: Verdict = { processed: 0, failed: 0, repeated: 0, problems: [] };
  if (fates.length !== inserted) {
    verdict.problems.push(`${inserted} were inserted, ${fates.length} are there`);
  }
  for (const fate of fates) {
    if (fate.status === "processed") verdict.processed += 1;
    if (fate.status === "failed") verdict.failed += 1;
    if (fate.runs.length > RUNS[fate.kind]) verdict.repeated += 1;
    for (const problem of problemsOf(fate, killed)) {
      verdict.problems.push(`${fate.id} (${fate.kind}) ${problem}`);
    }
  }
  return verdict;
}

function* problemsOf({ kind, status, error, hasLetter, runs }: Fate, killed: Kills) {
  const wanted = kind === "hopeless" ? "failed" : "processed";
  if (status !== wanted) yield `is ${status}, not ${wanted}${error ? `: ${error}` : ""}`;
  else if (kind === "hopeless" && !error?.includes("hopeless")) yield `failed for another reason: ${error}`;
  if (hasLetter !== (status === "failed")) yield hasLetter ? "has a letter" : "has no letter";
  const undisturbed = runs.filter((run) => !isDisturbed(run, killed));
  // A run is repeated if a kill cut it short, or if a kill prevented its ack; no other run is.
  if (undisturbed.length > RUNS[kind]) yield `ran ${undisturbed.length} times where nothing was killed`;
  const ended = runs.filter(({ endMs }) => endMs !== undefined).length;
  if (ended === 0) yield "never ran to its end";
  else if (ended < RUNS[kind]) yield `ran to its end ${ended} times, not ${RUNS[kind]}`;
  if (undisturbed.some(({ endMs }) => endMs === undefined)) yield "was cut short where nothing was killed";
  if (overlap(runs, killed)) yield "ran twice at once";
}

/** Whether a kill ended this run, or came so early after it that the write of its outcome may have been lost. */
function isDisturbed({ pid, endMs = Infinity }: Run, killed: Kills): boolean {
  const killedMs = killed.get(pid);
  return killedMs !== undefined && killedMs < endMs + ACK_MS;
}

/** Whether a run began before the previous one had ended, by itself or with its process. */
function overlap(runs: readonly Run[], killed: Kills): boolean {
  const inOrder = runs.toSorted((a, b) => a.startMs - b.startMs);
  return inOrder.some(({ pid, endMs }, index) => {
    const next = inOrder[index + 1];
    return next !== undefined && next.startMs < (endMs ?? killed.get(pid) ?? Infinity);
  });
}
