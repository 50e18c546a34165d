import type { AfterRefusal } from "../events.ts";
import type { LeasedDocument } from "../ports.ts";
import type { SafeText } from "../text/redact.ts";
import type { Outcome } from "./outcome.ts";

/** The step that an outcome is, after another was refused. */
export function stepOf(outcome: Outcome | undefined): AfterRefusal {
  if (outcome?.kind === "nack") return outcome.withoutError ? "nack_without_error" : "nack";
  return outcome?.kind === "dead_letter" ? "dead_letter" : "nothing";
}

/** Documents that are remembered, at most. */
const MAX_REMEMBERED = 10_000;

/**
 * Documents on which the database lets no outcome be written, and that outcome. Their leases run out and they are
 * claimed again, but their handler must not run each time.
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
    // Nearly all agents remember nothing, and to compute a key costs time.
    if (this.#byKey.size === 0) return undefined;
    // This claim did not take over an expired lease: the document was reset by hand or inserted again, or another agent
    // could write.
    if (!document.wasTakenOver) this.delete(document);
    return this.#byKey.get(document.idempotencyKey);
  }

  /** Forgets a document whose outcome is written at last. */
  delete(document: LeasedDocument): void {
    if (this.#byKey.size > 0) this.#byKey.delete(document.idempotencyKey);
  }
}

/** Documents that were given up because they took no outcome, as long as no later outcome of theirs is written. */
export class GivenUp {
  readonly #keys = new Set<string>();

  /** A document is given up: its lease runs out. */
  add({ idempotencyKey }: LeasedDocument): void {
    this.#keys.add(idempotencyKey);
    if (this.#keys.size > MAX_REMEMBERED) this.#keys.delete(this.#keys.values().next().value!);
  }

  /** An outcome of a document is written; returns whether the document was given up before. */
  settled(document: LeasedDocument): boolean {
    return this.#keys.size > 0 && this.#keys.delete(document.idempotencyKey);
  }
}
