import type { RangeRuleName } from "./rules.ts";

/** flaky: its first run fails · poison: ends the process that runs it */
export type RangeNature = "good" | "flaky" | "poison";

/** The protocol as one scenario runs it. */
export interface RangeProtocol {
  readonly natures: readonly RangeNature[];
  /** Documents of a range at most. */
  readonly batch: number;
  has(rule: RangeRuleName): boolean;
}
