/** A text without it has no regular expression beside other conditions. */
const MAY_HAVE_REGEX = /"\$regex"/;

/** What a regular expression itself has. */
const OF_REGEX = ["$regex", "$options"];

/**
 * Keeps the conditions that stand beside a regular expression, as in `{ "$regex": "^a", "$ne": "ab" }`: Extended JSON
 * takes such an object for the expression alone. For each value that was read from JSON.
 */
export function keepConditions(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { $regex, $options = "" } = value as Record<string, unknown>;
  if (typeof $regex !== "string" || typeof $options !== "string") return value;
  if (Object.keys(value).every((name) => OF_REGEX.includes(name))) return value;
  const expression = { $regularExpression: { pattern: $regex, options: $options } };
  const kept = Object.entries(value).filter(([name]) => name !== "$options");
  return Object.fromEntries(kept.map(([name, each]) => [name, name === "$regex" ? expression : each]));
}

/** The same for a text of JSON. */
export function textWithConditions(text: string): string {
  return MAY_HAVE_REGEX.test(text)
    ? JSON.stringify(JSON.parse(text, (_, value) => keepConditions(value)))
    : text;
}
