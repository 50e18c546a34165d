/**
 * The server's time in a condition: a variable of the server, or a date that is never ahead of its clock, for a server
 * without the variable.
 */
export type ServerTime = typeof NOW | Date;

/** The server's own clock at the instant of the operation. */
export const NOW = "$$NOW";

/**
 * A condition of the agent's own that names {@linkcode NOW}, for a server of this `time`. It must hold no text of a user's:
 * that could be the same.
 */
export function atTime<T>(condition: T, time: ServerTime): T {
  return time === NOW ? condition : replaced(condition, time) as T;
}

function replaced(part: unknown, time: Date): unknown {
  if (part === NOW) return time;
  if (Array.isArray(part)) return part.map((each) => replaced(each, time));
  if (typeof part !== "object" || part === null || Object.getPrototypeOf(part) !== Object.prototype) {
    return part;
  }
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, replaced(value, time)]));
}
