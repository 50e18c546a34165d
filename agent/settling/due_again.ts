import type { SettleKind } from "../events.ts";
import type { RetrySchedule } from "./retry_schedule.ts";
import type { Sorted } from "./settlement_report.ts";

/** Notes when documents are due that a write has set back to pending, or may have. */
export function noteDueAgain(
  kind: SettleKind,
  matched: number,
  { others, unmatched, written }: Sorted,
  retries: Pick<RetrySchedule, "add" | "addReleased">,
): void {
  if (kind === "release" && (matched > 0 || others.some(({ uncertain }) => uncertain))) {
    retries.addReleased();
  }
  if (kind !== "nack" && kind !== "snooze") return;
  // One look too many does no harm. But if a Job takes its own document for another agent's, it ends before the
  // retry.
  const isUnclear = others.length > unmatched;
  const mayWait = others.filter(({ uncertain }) => isUnclear || uncertain).map(({ item }) => item);
  for (const { outcome } of [...written, ...mayWait]) {
    if (outcome.kind === "nack") retries.add(outcome.delayMs);
    if (outcome.kind === "snooze") retries.add(outcome.snoozeMs);
  }
}
