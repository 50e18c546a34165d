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
}
