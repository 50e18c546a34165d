/** A line for a program, and what waits for its answer. */
export interface ProgramCall<Answer> {
  /** Different for each call of this agent. */
  readonly id: string;
  /** The line, with its line feed. */
  readonly line: Uint8Array;
  answered(answer: Answer): void;
  /**
   * The program works on it, and tells how far it has come.
   *
   * @throws if it cannot go on, which then is its end.
   */
  noted(note: ProgramNote): void;
  /**
   * There is no answer.
   *
   * @param wasUnread whether the program ended in good order before it read the line, as far as can be seen
   */
  failed(error: unknown, wasUnread: boolean): void;
}

/** What a program says of a document while it works on it: one of these, or both. */
export interface ProgramNote {
  /** What it saves for the next run. */
  readonly checkpoint?: unknown;
  /** How far it is, from 0 to 1. */
  readonly progress?: unknown;
  /** The same in words. */
  readonly text?: unknown;
}

/** Turns a line of a program into an answer, or into what it says before. */
export interface AnswerReader<Answer> {
  /**
   * @throws {Error} if the line is neither; its message says why.
   */
  read(
    line: Uint8Array,
  ): { readonly id: string } & ({ readonly answer: Answer } | { readonly note: ProgramNote });
}
