import { errorText } from "../errors.ts";
import type { AfterRefusal } from "../events.ts";
import { MAX_ERROR_LENGTH, type Outcome, outcomeOf, type OutcomePolicy } from "./outcome.ts";
import type { LeasedDocument } from "../ports.ts";
import { type SafeText, secrets } from "../text/redact.ts";

/** What the operator can do, in the text that a dead letter keeps. */
const MEND = "change the validator or the unique index that does not allow it, then redrive the document";

/**
 * What is to become of a document whose outcome the database refused, today and tomorrow: something that asks less of it.
 * Undefined if there is nothing left to try.
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
      const text = refused.set
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
    case "dead_letter":
    case "finish_verdict":
      return undefined;
    default:
      return refused satisfies never;
  }
}

/** The step that an outcome is, after another was refused. */
export function stepOf(outcome: Outcome | undefined): AfterRefusal {
  if (outcome?.kind === "nack") return outcome.withoutError ? "nack_without_error" : "nack";
  return outcome?.kind === "dead_letter" ? "dead_letter" : "nothing";
}

/** Documents remembered at the most. */
const MAX_REMEMBERED = 10_000;

/**
 * Documents on which the database let no outcome be written at all, and what that outcome was. Their leases run out, and
 * they are claimed again: their handler must not run again and again for that.
 */
export class RefusedOutcomes {
  readonly #byKey = new Map<string, SafeText>();

  /** Remembers a document; false if it was remembered already. */
  add({ idempotencyKey }: LeasedDocument, error: SafeText): boolean {
    if (this.#byKey.has(idempotencyKey)) return false;
    this.#byKey.set(idempotencyKey, error);
    if (this.#byKey.size > MAX_REMEMBERED) this.#byKey.delete(this.#byKey.keys().next().value!);
    return true;
  }

  /** The error that could not be written; undefined if the document is not remembered. */
  errorOf(document: LeasedDocument): SafeText | undefined {
    // Of nearly all agents nothing is remembered, and a key is not for nothing.
    if (this.#byKey.size === 0) return undefined;
    // It does not come from a lease that ran out: it was reset by hand, inserted anew, or another agent had more luck.
    if (!document.wasTakenOver) this.delete(document);
    return this.#byKey.get(document.idempotencyKey);
  }

  /** Forgets a document whose outcome is written at last. */
  delete({ idempotencyKey }: LeasedDocument): void {
    if (this.#byKey.size > 0) this.#byKey.delete(idempotencyKey);
  }
}
