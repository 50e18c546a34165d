/** A rule of the claim protocol. */
export interface Rule {
  readonly title: string;
  /** What the protocol does, in a sentence or two. */
  readonly rule: string;
  /** Filters and updates, line by line, if the sentence does not say them exactly. */
  readonly exactly?: readonly string[];
  /** What it is for. */
  readonly reason: string;
  /** What the model does instead when the rule is switched off. */
  readonly without: string;
  /** Where the program keeps the rule: a file and a text to look for in it. Empty until the program has it. */
  readonly code: readonly (readonly [file: string, symbol: string])[];
}

/** A rule of range claims. */
export interface NumberedRule extends Rule {
  /** A letter tells the parts of a rule apart. Those of document mode have their place among all as their number. */
  readonly number: string;
}
