/** A rule of range claims, which the program does not have yet. */
export interface RangeRule {
  /** Its number among the rules of range claims; a letter tells the parts of a rule apart. */
  readonly number: string;
  readonly rule: string;
  /** What the model does instead when the rule is switched off. */
  readonly without: string;
}

/**
 * New documents belong to the holder of the range that they are in, and all others to claims by document. R1 to R7 are
 * the shape of the model itself: acks by the list of ids, one control document, ranges open below and closed above.
 */
export const RANGE_RULES = {
  comparesVersion: {
    number: "R8a",
    rule: "A swap compares the version of the control document, which each swap changes.",
    without: "it compares the position alone",
  },
  readsControlFirst: {
    number: "R8b",
    rule: "The control document is read before the ids.",
    without: "the ids are read first",
  },
  startsOver: {
    number: "R9",
    rule:
      "When there is nothing new above the position, a swap puts it before everything. Live ranges stand.",
    without: "the position only grows",
  },
  takesOverFirst: {
    number: "R11a",
    rule: "A range that ran out is read, then taken over, and what was read is given its bookkeeping then.",
    without: "what was read is given its bookkeeping without a takeover",
  },
  comparesToken: {
    number: "R11b",
    rule: "The takeover compares the token that was read before the ids.",
    without: "it compares only that the range has run out",
  },
  awaitsMarks: {
    number: "R11c",
    rule: "A range that was taken over is dropped when all of that is answered.",
    without: "it is dropped with an answer missing",
  },
  staysOld: {
    number: "R12",
    rule: "Nothing becomes new again: a reset leaves bookkeeping.",
    without: "a reset makes the document new",
  },
  awaitsAcks: {
    number: "R13a",
    rule: "A range is dropped when each ack and nack under it was answered.",
    without: "it is dropped with an answer missing",
  },
  dropsLast: {
    number: "R13b",
    rule: "A drain drops its range at the end.",
    without: "a drain drops its range at once",
  },
} as const satisfies Record<string, RangeRule>;

/** Names a rule of range claims. */
export type RangeRuleName = keyof typeof RANGE_RULES;
export const RANGE_RULE_NAMES = Object.keys(RANGE_RULES) as readonly RangeRuleName[];
