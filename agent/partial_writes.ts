import type { Settlement } from "./ports.ts";

/** Of a bulk of writes, the database refused some and accepted the others. */
export class RefusedWritesError extends Error {
  override readonly name = "RefusedWritesError";
  /** The refused ones, by their position, and why. */
  readonly refused: ReadonlyMap<number, unknown>;
  /** What became of the others. */
  readonly others: Settlement;

  constructor(refused: ReadonlyMap<number, unknown>, others: Settlement) {
    super(`${refused.size} writes were refused`);
    this.refused = refused;
    this.others = others;
  }
}

/** Of several writes, some failed for a reason that may pass, or have no answer. The others have an answer. */
export class UnansweredWritesError extends Error {
  override readonly name = "UnansweredWritesError";
  /** The documents, by their position, whose write has to be sent again. */
  readonly unanswered: ReadonlySet<number>;
  /** What became of the others. */
  readonly others: Settlement;
  /** All failed because other programs lock the documents. */
  readonly isLocked: boolean;

  /** @param cause What the first failed write threw. */
  constructor(unanswered: ReadonlySet<number>, others: Settlement, cause: unknown, isLocked = false) {
    super(`${unanswered.size} writes have no answer`, { cause });
    this.unanswered = unanswered;
    this.others = others;
    this.isLocked = isLocked;
  }
}
