/** Prints an answer that the exit status gives as well: a full disk below standard output changes nothing of that. */
export function printAnswer(text: string): void {
  try {
    console.log(text);
  } catch {
    // The exit status is the answer.
  }
}
