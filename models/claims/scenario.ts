import type { ClaimsOptions } from "./claims.ts";

/** A scenario in which some rule is switched off. */
export type Counterexample = Omit<ClaimsOptions, "without">;

/** A scenario and what it is called. */
export interface Scenario extends ClaimsOptions {
  readonly name: string;
}
