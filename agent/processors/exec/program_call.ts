/** A line for a program, and what waits for its answer. */
export interface ProgramCall<Answer> {
  /** Different for each call of this agent. */
  readonly id: string;
  /** The line, with its line feed. */
  readonly line: Uint8Array;
  answered(answer: Answer): void;
  /**
   * There is no answer.
   *
   * @param wasUnread whether the program ended in good order before it read the line, as far as can be seen
   */
  failed(error: unknown, wasUnread: boolean): void;
}

/** Turns a line of a program into an answer. */
export interface AnswerReader<Answer> {
  /**
   * @throws {Error} if the line is no answer; its message says why.
   */
  read(line: Uint8Array): { readonly id: string; readonly answer: Answer };
}
