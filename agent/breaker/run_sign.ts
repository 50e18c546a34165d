import { type HandlerResult, isInterrupted, isRetryable } from "../settling/outcome.ts";

/**
 * What the end of a run tells of its handler:
 *
 * - `works`: it has succeeded, for one document of a batch at least.
 * - `fails`: it has failed in a way that a retry may mend, such as a service that is down or a timeout.
 * - `undecided`: it has rejected its documents for good, or put them off.
 * - `interrupted`: its lease was lost, its document was canceled, the agent was forced to stop, or it has not started.
 */
export type RunSign = "works" | "fails" | "undecided" | "interrupted";

/** What the end of a run tells of its handler. There is a result for each document. */
export function signOf(results: readonly HandlerResult[]): RunSign {
  if (results.some((result) => result.ok && result.snoozeMs === undefined)) return "works";
  if (results.some((result) => isRetryable(result))) return "fails";
  return results.every((result) => isInterrupted(result)) ? "interrupted" : "undecided";
}
