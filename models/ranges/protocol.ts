import type { RangeRuleName } from "./rules.ts";

/**
 * flaky: its first run fails · doomed: a run in a range fails for good · poison: ends the process that runs it · writing: asks
 * for writes · stubborn: the database refuses bookkeeping on it · endless: its handler never returns
 */
export type RangeNature = "good" | "flaky" | "doomed" | "poison" | "writing" | "stubborn" | "endless";

/** The protocol as one scenario runs it. */
export interface RangeProtocol {
  readonly natures: readonly RangeNature[];
  /** Documents of a range at most. */
  readonly batch: number;
  /** Documents of a range that are marked by one takeover, at most. */
  readonly most: number;
  /** Whether the runs of a document are so long, or make a checkpoint, that it gets a lease of its own. */
  isSlow(doc: number): boolean;
  /** Whether agents also claim ranges at a random place. */
  readonly claimsAside: boolean;
  /** Whether a query for what lies within bounds finds a document there. */
  reaches(doc: number, bounds: { from: number; to?: number | undefined }): boolean;
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
