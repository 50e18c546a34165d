/** A rule of the protocol, broken on purpose in the code. */
export interface Mutation {
  /** What is broken, beside what the rule says. */
  readonly what: string;
  readonly edits: readonly Edit[];
  /** What fails then, each by itself. */
  readonly caughtBy: readonly Catcher[];
}

/** Tests of a file. */
export interface Catcher {
  readonly file: string;
  /** A part of their titles. */
  readonly test: string;
}

/** The test that judges a run of the agent by the server's oplog. */
export const WITNESS: Catcher = { file: "tests/e2e/witness_test.ts", test: "has no breach" };

/** A piece of a file, which it holds once, and what stands there instead. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The mutation of one piece of a file. */
export function inPlace(file: string, find: string, replace: string): Edit[] {
  return [{ file, find, replace }];
}
