/**
 * What must hold after a soak: judged by the documents, and by what the processors wrote down.
 *
 * @module
 */

/** What a processor does with a document, by the word in it. */
export const KINDS = ["good", "slow", "flaky", "hopeless"] as const;
export type Kind = typeof KINDS[number];

/** Runs of each kind that end by themselves where nothing is killed. */
const RUNS: Record<Kind, number> = { good: 1, slow: 1, flaky: 2, hopeless: 1 };

/** A run of a handler, as its processor wrote it down. */
export interface Run {
  pid: number;
  /** Its end was written down as well. */
  hasEnded: boolean;
}

/** What is known of a document in the end. */
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
  /** One sentence each; none where all is well. */
  problems: string[];
}

/** Judges the fates of `inserted` documents; `killed` are the processes that had no chance to drain. */
export function judge(fates: readonly Fate[], inserted: number, killed: ReadonlySet<number>): Verdict {
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

function* problemsOf({ kind, status, error, hasLetter, runs }: Fate, killed: ReadonlySet<number>) {
  const wanted = kind === "hopeless" ? "failed" : "processed";
  if (status !== wanted) yield `is ${status}, not ${wanted}${error ? `: ${error}` : ""}`;
  if (hasLetter !== (status === "failed")) yield hasLetter ? "has a letter" : "has no letter";
  const undisturbed = runs.filter(({ pid }) => !killed.has(pid));
  // A run that a kill cut short, or whose ack a kill prevented, is made again; no other is.
  if (undisturbed.length > RUNS[kind]) yield `ran ${undisturbed.length} times where nothing was killed`;
  if (status !== "pending" && !runs.some(({ hasEnded }) => hasEnded)) yield "never ran to its end";
  if (undisturbed.some(({ hasEnded }) => !hasEnded)) yield "was cut short where nothing was killed";
}
