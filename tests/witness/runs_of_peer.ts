import type { Run } from "./run_log.ts";
import type { Disturbances } from "./told.ts";

/** What became of the documents of a program that does not keep the protocol: only its runs can be judged. */
export interface PeerVerdict {
  documents: number;
  /** Documents that are not done at the end, or are marked as done and no run of them came to its end. */
  lost: number;
  /** Documents that ran more than once. */
  doubled: number;
  /** Of these, documents that ran again though no process was killed or frozen while it had them. */
  withoutExcuse: number;
}

/** Judges the runs of documents; `done` tells which of them are marked as done. */
export function judgePeer(
  documents: readonly string[],
  done: ReadonlySet<string>,
  runs: readonly Run[],
  disturbances: Disturbances,
): PeerVerdict {
  const verdict = { documents: documents.length, lost: 0, doubled: 0, withoutExcuse: 0 };
  const byKey = Map.groupBy(runs, ({ key }) => key);
  for (const key of documents) {
    const own = (byKey.get(key) ?? []).toSorted((one, other) => one.beganMs - other.beganMs);
    if (!done.has(key) || !own.some(({ end }) => end?.how === "done")) verdict.lost += 1;
    if (own.length < 2) continue;
    verdict.doubled += 1;
    const pairs = own.slice(1).map((next, at) => [own[at]!, next] as const);
    const isExcused = ([{ agent, beganMs }, next]: readonly [Run, Run]) =>
      disturbances.excuse(agent, beganMs, next.beganMs) !== undefined;
    if (!pairs.every(isExcused)) verdict.withoutExcuse += 1;
  }
  return verdict;
}
