import type { RangeRuleName } from "./rules.ts";

/**
 * flaky: its first run fails · doomed: a run in a range fails for good · poison: ends the process that runs it · writing: asks
 * for writes · stubborn: the database refuses bookkeeping on it
 */
export type RangeNature = "good" | "flaky" | "doomed" | "poison" | "writing" | "stubborn";

/** The protocol as one scenario runs it. */
export interface RangeProtocol {
  readonly natures: readonly RangeNature[];
  /** Documents of a range at most. */
  readonly batch: number;
  /** The type of each `_id`. In the order of the index all of one type come before all of the next. */
  readonly types: readonly string[];
  /** Whether an agent claims new documents one by one, and not in ranges. */
  isDocumentAgent(at: number): boolean;
  /** Whether an agent in document mode does not know of modes: it is of an earlier version, or may not use the registry. */
  isSilent(at: number): boolean;
  /** Whether the `FILTER` of an agent matches a document. */
  sees(at: number, doc: number): boolean;
  /** Whether it is the one in the control document. */
  hasFilterOfRanges(at: number): boolean;
  has(rule: RangeRuleName): boolean;
}
