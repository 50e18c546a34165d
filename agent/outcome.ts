import type { Document } from "./ports.ts";
import { backoffMs } from "./backoff.ts";
import { errorText, ForcedStopError, LeaseLostError } from "./errors.ts";

/** How a handler's run ended. */
export type HandlerResult =
  | { ok: true; set?: Document }
  | { ok: false; error: unknown };

/** What is to become of the document. */
export type Outcome =
  | { kind: "ack"; set?: Document }
  | { kind: "nack"; error: string; delayMs: number }
  | { kind: "release" }
  | { kind: "dead_letter"; error: string };

/** What decides between a retry and a dead letter. */
export interface OutcomePolicy {
  /** Handler runs that count before a failure is final. */
  maxAttempts: number;
  retryBackoffMs: number;
  retryBackoffMaxMs: number;
  random?: () => number;
}

/** Longest error text kept on a document, in UTF-16 units; with the history of five it stays far below a page. */
export const MAX_ERROR_LENGTH = 1000;

/**
 * Decides what becomes of a document whose handler has ended.
 *
 * Interruption is not failure: a handler that gave up because the agent was forced to stop, or because the lease
 * could not be kept, costs its document no attempt.
 */
export function outcomeOf(result: HandlerResult, attempt: number, policy: OutcomePolicy): Outcome {
  if (result.ok) return { kind: "ack", set: result.set };
  const { error } = result;
  if (error instanceof ForcedStopError || error instanceof LeaseLostError) return { kind: "release" };
  const text = truncate(errorText(error));
  if (isPermanent(error) || attempt >= policy.maxAttempts) return { kind: "dead_letter", error: text };
  return { kind: "nack", error: text, delayMs: retryDelayMs(error, attempt, policy) };
}

function isPermanent(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { permanent?: unknown }).permanent === true;
}

/** Longest wait a processor may ask for: a year. Beyond it a date overflows sooner or later. */
const MAX_RETRY_AFTER_MS = 365 * 24 * 3600 * 1000;

function retryDelayMs(error: unknown, attempt: number, policy: OutcomePolicy): number {
  const asked = (error as { retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
  if (typeof asked === "number" && asked >= 0) return Math.min(asked, MAX_RETRY_AFTER_MS);
  return backoffMs(attempt, {
    baseMs: policy.retryBackoffMs,
    maxMs: policy.retryBackoffMaxMs,
    random: policy.random,
  });
}

function truncate(text: string): string {
  if (text.length <= MAX_ERROR_LENGTH) return text;
  // A cut through a surrogate pair would leave half a character, which UTF-8 cannot hold.
  return text.slice(0, MAX_ERROR_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, "") + "…";
}
