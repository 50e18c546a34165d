/** A rule of range claims. */
export interface RangeRule {
  /** Its number among the rules of range claims; a letter tells the parts of a rule apart. */
  readonly number: string;
  readonly title: string;
  readonly rule: string;
  /** Filters and updates, line by line, if the sentence does not give them exactly. */
  readonly exactly?: readonly string[];
  readonly reason: string;
  /** What the model does instead when the rule is switched off. */
  readonly without: string;
  /** Where the program keeps the rule: a file and a text to look for in it. Empty as long as it does not. */
  readonly code: readonly (readonly [file: string, symbol: string])[];
}
