/** The first `length` UTF-16 units of a text, with an ellipsis if there are more. No character is cut in half. */
export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}
