import type { Held } from "../leases/ledger.ts";
import type { Document, EffectWrite, LeasedDocument } from "../ports.ts";
import { backoffMs } from "../lib/backoff.ts";
import type { Chance } from "../lib/chance.ts";
import { detached } from "../lib/detached.ts";
import { type SafeText, secrets } from "../text/redact.ts";
import { RefusedEffectError } from "../partial_writes.ts";
import { errorText, isInterruption } from "../errors.ts";

/** How a handler's run ended. */
export type HandlerResult =
  | {
    ok: true;
    /** Fields to be written with the ack. */
    set?: Document;
    /** Writes to be made with the ack. */
    writes?: readonly EffectWrite[];
    /** The size of `set` and of `writes` as BSON. */
    resultBytes?: number;
    /** Instead of an ack: the document is put off, and due after so many milliseconds. */
    snoozeMs?: number;
    /** Some names of an object that was returned without `set`, of which nothing is written. */
    ignored?: readonly string[];
  }
  /** `hasStarted: false`: the handler never saw the document. */
  | { ok: false; error: unknown; hasStarted?: false };

/** Whether a run has failed for one of its documents, in a way that a retry may mend. */
export function isRetryable(result: HandlerResult): boolean {
  if (result.ok || isInterrupted(result)) return false;
  return retryHintsOf(result.error).permanent !== true;
}

/** Whether a run has ended with nothing that its document or its handler is at fault for. */
export function isInterrupted(result: HandlerResult): boolean {
  return !result.ok && (result.hasStarted === false || retryHintsOf(result.error).isInterruption === true);
}

/** What is to become of the document. */
export type Outcome =
  | { kind: "ack"; set?: Document | undefined; writes?: readonly EffectWrite[] | undefined }
  /** `withoutError`: the database did not take the error. */
  | { kind: "nack"; error: SafeText; delayMs: number; withoutError?: true }
  /**
   * `wasAborted`: its handler had started, and may have done a part of its work. `hadNoRoom`: it has done all of it, and
   * what it returned could not be held. `wasInDoubt`: it has done all of it, and whether MongoDB refuses the ack because of
   * the document is not known. `wasSpared`: its handler has failed, as it does for all documents.
   */
  | { kind: "release"; wasAborted?: true; hadNoRoom?: true; wasInDoubt?: true; wasSpared?: true }
  /** Its processor has put it off. */
  | { kind: "snooze"; snoozeMs: number }
  | { kind: "dead_letter"; error: SafeText }
  /** An earlier holder had decided that it is a dead letter, and written its verdict on it. */
  | { kind: "finish_verdict" };

/** A held document and what is to become of it. */
export interface Settling {
  readonly held: Held;
  readonly outcome: Outcome;
}

/** What decides between a retry and a dead letter. */
export interface OutcomePolicy {
  /** Handler runs that count before a failure is final. */
  maxAttempts: number;
  retryBackoffMs: number;
  retryBackoffMaxMs: number;
  /** A document is put off for so long at most. */
  maxSnoozeMs: number;
  random: Chance;
}

/** Longest error text kept on a document, in UTF-16 units; with the history of five it stays far below a page. */
const MAX_ERROR_LENGTH = 1000;

/**
 * Decides what becomes of a document whose handler has ended.
 *
 * Interruption is not failure: a handler that gave up because the agent stops, or because the lease could not be kept,
 * costs its document no attempt.
 */
export function outcomeOf(result: HandlerResult, attempt: number, policy: OutcomePolicy): Outcome {
  if (result.ok) {
    const { set, snoozeMs, writes } = result;
    if (snoozeMs === undefined) return { kind: "ack", set, writes };
    return { kind: "snooze", snoozeMs: Math.min(snoozeMs, policy.maxSnoozeMs) };
  }
  const { error } = result;
  const { isInterruption, permanent, retryAfterMs } = retryHintsOf(error);
  if (isInterruption) {
    return result.hasStarted === false ? { kind: "release" } : { kind: "release", wasAborted: true };
  }
  const text = detached(secrets.text(errorText(error), MAX_ERROR_LENGTH));
  if (permanent === true || attempt >= policy.maxAttempts) return { kind: "dead_letter", error: text };
  return { kind: "nack", error: text, delayMs: retryDelayMs(retryAfterMs, attempt, policy) };
}

/**
 * Decides what becomes of a claimed document whose handler must not run; undefined for all others. `refused` is the
 * outcome's error if the database has let no outcome be written on the document before.
 */
export function outcomeWithoutRun(
  { deadLetterReason, verdict }: LeasedDocument,
  refused: SafeText | undefined,
): Outcome | undefined {
  if (verdict) return { kind: "finish_verdict" };
  const error = refused ?? (deadLetterReason === undefined ? undefined : secrets.text(deadLetterReason));
  return error === undefined ? undefined : { kind: "dead_letter", error };
}

/** What the operator can do, in the text that a dead letter keeps. */
const MEND = "change the validator or the unique index that does not allow it, then redrive the document";

/**
 * What is to become of a document whose outcome the database refuses for good: an outcome that writes less. Undefined
 * if there is nothing left to try.
 *
 * A refused ack is a failure of the attempt: the work may be done, and the document cannot say so. A refused failure is
 * written without its error. A document that cannot wait for its next attempt is a dead letter, and each of these texts
 * names both errors.
 */
export function afterRefusal(
  refused: Outcome,
  error: unknown,
  attempt: number,
  policy: OutcomePolicy,
): Outcome | undefined {
  const why = errorText(error);
  switch (refused.kind) {
    case "ack": {
      const text = error instanceof RefusedEffectError
        ? `The writes cannot be made: ${why}`
        : refused.set
        ? `The result cannot be written: ${why}`
        : `MongoDB refused to mark the document processed (${why}): ${MEND}`;
      return outcomeOf({ ok: false, error: new Error(text) }, attempt, policy);
    }
    case "nack": {
      if (!refused.withoutError) return { ...refused, withoutError: true };
      const failure = secrets.text(refused.error, MAX_ERROR_LENGTH / 2);
      const text = `${failure} (and MongoDB refused to set the document back to pending (${why}): ${MEND})`;
      return { kind: "dead_letter", error: secrets.text(text, MAX_ERROR_LENGTH) };
    }
    case "release":
    case "snooze":
    case "dead_letter":
    case "finish_verdict":
      return undefined;
    default:
      return refused satisfies never;
  }
}

/** The failure that led to an outcome; undefined for one that no failure led to. */
export function failureOf({ held, outcome }: Settling): SafeText | undefined {
  switch (outcome.kind) {
    case "nack":
    case "dead_letter":
      return outcome.error;
    case "finish_verdict":
      return detached(secrets.text(held.document.verdict?.reason ?? DECIDED_BEFORE, MAX_ERROR_LENGTH));
    default:
      return undefined;
  }
}

/** What is logged of a verdict whose reason is not on the document. */
const DECIDED_BEFORE = "an earlier holder decided so, and ended before it could write why: see its log";

/**
 * What an error asks for. There must be an outcome even if the error cannot be read: otherwise its document would be
 * held forever.
 */
function retryHintsOf(
  error: unknown,
): { isInterruption?: boolean; permanent?: unknown; retryAfterMs?: unknown } {
  try {
    if (typeof error !== "object" || error === null) return {};
    if (isInterruption(error)) return { isInterruption: true };
    const { permanent, retryAfterMs } = error as { permanent?: unknown; retryAfterMs?: unknown };
    return { permanent, retryAfterMs };
  } catch {
    return {};
  }
}

/** Longest wait that a processor may ask for: a year. Far beyond it a date overflows. */
const MAX_RETRY_AFTER_MS = 365 * 24 * 3600 * 1000;

function retryDelayMs(asked: unknown, attempt: number, policy: OutcomePolicy): number {
  if (typeof asked === "number" && asked >= 0) return Math.min(asked, MAX_RETRY_AFTER_MS);
  return backoffMs(attempt, {
    baseMs: policy.retryBackoffMs,
    maxMs: policy.retryBackoffMaxMs,
    random: policy.random,
  });
}
