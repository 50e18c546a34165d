import { errorText } from "../../errors.ts";
import type { RefusedClaim } from "../../ports.ts";
import { isTooLarge, isValidationFailure } from "../mongo_errors.ts";

/** MongoDB refuses every claim. The cause is the collection or a setting, and no single document. */
export class ClaimsRefusedError extends Error {
  override readonly name = "ClaimsRefusedError";

  constructor(namespace: string, error: unknown) {
    const mend = isValidationFailure(error)
      ? 'let the validator allow status "processing", an embedded document _pull, processed_at and error'
      : "look at the constraints of the collection";
    super(
      `MongoDB refuses to let any document of ${namespace} be claimed: ${errorText(error)}: ${mend}`,
    );
  }
}

/** This many refused documents in a row, and none claimed between them, are not a coincidence. */
const MANY = 10;

/** Counts refused claims in a row, to tell single documents that cannot be claimed from a collection that refuses all claims. */
export class RefusalStreak {
  readonly #namespace: string;
  #length = 0;
  #last: unknown;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Records what a claim took, and what was refused. */
  record(claimed: number, refused: readonly RefusedClaim[]): void {
    // Documents that are too large become dead letters: nothing is wrong with the collection.
    for (const { error } of refused) {
      if (isTooLarge(error)) continue;
      this.#length += 1;
      this.#last = error;
    }
    if (claimed > 0) this.#length = 0;
  }

  /** There is nothing to claim, so that nothing is refused. */
  end(): void {
    this.#length = 0;
  }

  /** What to throw if every claim is refused; undefined if claims succeed, or if few were tried. */
  get error(): ClaimsRefusedError | undefined {
    return this.#length < MANY ? undefined : new ClaimsRefusedError(this.#namespace, this.#last);
  }
}
