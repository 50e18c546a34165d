/** A rule of the claim protocol. Its number is its place in {@linkcode RULES}. */
export interface Rule {
  readonly title: string;
  /** What the protocol does, in a sentence or two. */
  readonly rule: string;
  /** What it is for. */
  readonly reason: string;
  /** What the model does instead when the rule is switched off. */
  readonly without: string;
  /** Where the program keeps the rule: a file and a text to look for in it. */
  readonly code: readonly (readonly [file: string, symbol: string])[];
}
