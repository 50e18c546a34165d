/** A text of a document that a user may have written by hand; undefined if it is something else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
