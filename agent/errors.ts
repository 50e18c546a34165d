/**
 * A failure that no retry can mend: its document becomes a dead letter at once.
 *
 * Processors need not import this class: any error with `permanent: true` counts.
 */
export class PermanentError extends Error {
  readonly permanent = true;
  override readonly name = "PermanentError";
}

/** A mistake in what the user gave us (settings, processor, command line): shown without a stack trace. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Each problem as a sentence of its own. */
  readonly problems: readonly string[];

  constructor(problems: string | readonly string[]) {
    const list = typeof problems === "string" ? [problems] : problems;
    super(list.join("\n"));
    this.problems = list;
  }
}

/** The health directory cannot be used: the message says why and what to do. Shown without a stack trace. */
export class HealthDirError extends Error {
  override readonly name = "HealthDirError";
}

/** A command could not do its work, such as for want of a database: the message says why. Shown without a stack trace. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** The reason an abort signal gives when a document's lease could not be kept. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/** The reason an abort signal gives when a handler outlives `PROCESS_TIMEOUT`. */
export class ProcessTimeoutError extends Error {
  override readonly name = "ProcessTimeoutError";
}

/** The reason an abort signal gives when the agent is forced to stop: interruption, not failure. */
export class ForcedStopError extends Error {
  override readonly name = "ForcedStopError";
}

/** Of a bulk of writes the database refused some and has taken the others. */
export class RefusedWritesError extends Error {
  override readonly name = "RefusedWritesError";
  /** Which were refused, by their position, and why. */
  readonly refused: ReadonlyMap<number, unknown>;
  /** How many of the others have matched. */
  readonly matched: number;

  constructor(refused: ReadonlyMap<number, unknown>, matched: number) {
    super(`${refused.size} writes were refused`);
    this.refused = refused;
    this.matched = matched;
  }
}

/** The text of anything that was thrown, an `Error` or not. Never throws: users throw the strangest things. */
export function errorText(error: unknown): string {
  try {
    if (typeof error !== "object" || error === null) return String(error);
    const said = serverText(error);
    if (said !== undefined) return said;
    const { message, name } = error as { message?: unknown; name?: unknown };
    if (typeof message === "string" && message) return message;
    if (error instanceof Error && !message) return String(name);
    return asJson(message || error) ?? Object.prototype.toString.call(error);
  } catch {
    return "an error that cannot be read";
  }
}

/** Of what a server says at the most so much is passed on, in characters. */
const MAX_SERVER_TEXT = 500;

/**
 * What MongoDB says of a write, without the values it quotes from the document: logs and status files are read by more
 * people than documents are. A failed write of a bulk has a class of its own, whose JSON would be the whole write.
 */
function serverText(error: object): string | undefined {
  const { code, errmsg, message, name } = error as Record<string, unknown>;
  const isOfServer = typeof name === "string" && name.startsWith("Mongo") && code !== undefined;
  const text = typeof errmsg === "string" && code !== undefined ? errmsg : isOfServer ? message : undefined;
  if (typeof text !== "string" || !text) return undefined;
  const [from, to] = [text.indexOf("{"), text.lastIndexOf("}")];
  // Documents stand in braces, and may hold anything, braces included.
  const bare = from < 0 ? text : `${text.slice(0, from)}{...}${to > from ? text.slice(to + 1) : ""}`;
  const unquoted = bare.replace(/"(?:[^"\\]|\\.)*"?/g, '"..."');
  return unquoted.length > MAX_SERVER_TEXT ? `${unquoted.slice(0, MAX_SERVER_TEXT)}...` : unquoted;
}

function asJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
