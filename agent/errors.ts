export { errorStack, errorText } from "./text/error_text.ts";

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

/** What `MONGODB_COLLECTION` names cannot be pulled from, or no letters can be written where they should go: one sentence. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  /** It is there and is no collection: nothing but another setting mends that. Else it is not there yet. */
  readonly isLasting: boolean;

  constructor(message: string, { isLasting }: { isLasting: boolean }) {
    super(message);
    this.isLasting = isLasting;
  }
}

/** A command could not do its work, such as for want of a database: the message says why. Shown without a stack trace. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Whether the operating system has refused something: a full disk, a missing right, a device that fails. */
export function isSystemError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  // The runtime itself refuses files of the kernel, as those of /proc.
  if (error instanceof Deno.errors.NotCapable) return true;
  const { code } = error as Error & { code?: unknown };
  return (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) || /\(os error \d+\)/.test(error.message);
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
