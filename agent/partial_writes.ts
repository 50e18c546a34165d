import { errorText } from "./errors.ts";
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
  /**
   * All failed for a reason that other documents need not have: other programs lock the documents, or a right is missing
   * on a collection that the others do not write to.
   */
  readonly isApart: boolean;
  /** Those of the unanswered of which nothing is written, for certain. */
  readonly unmade: ReadonlySet<number>;
  /** Those that the database has refused, which are not sent again, by their position, and why. */
  readonly refused: ReadonlyMap<number, unknown>;

  /** @param cause What the first failed write threw. */
  constructor(
    unanswered: ReadonlySet<number>,
    others: Settlement,
    cause: unknown,
    { isApart = false, unmade = new Set(), refused = new Map() }: {
      isApart?: boolean;
      unmade?: ReadonlySet<number>;
      refused?: ReadonlyMap<number, unknown>;
    } = {},
  ) {
    super(`${unanswered.size} writes have no answer`, { cause });
    this.unanswered = unanswered;
    this.others = others;
    this.isApart = isApart;
    this.unmade = unmade;
    this.refused = refused;
  }
}

/** The database refuses a write that a processor asks for. */
export class RefusedEffectError extends Error {
  override readonly name = "RefusedEffectError";

  /** What the driver threw, or the server's error of this write. */
  readonly refusal: unknown;

  /** @param write Which write it is, in words. */
  constructor(write: string, refusal: unknown) {
    super(`${write}: ${errorText(refusal)}`);
    this.refusal = refusal;
  }
}
