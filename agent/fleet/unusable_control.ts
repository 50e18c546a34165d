/** What operators have written for a whole fleet, and nothing can act on: a document that was written by hand. */
export class UnusableControl {
  /** What is wrong with it, to be said of the document: `its state is "PAUSED", ...`. */
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }
}

/** What mends it, as it is told to operators. */
export const MEND_CONTROL = "write it with pulling-agent pause --fleet or resume --fleet";
