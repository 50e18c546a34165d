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

/**
 * A command cannot do its work. Users see only this kind of error without a stack trace: `main.ts` prints each of its
 * problems on a line and ends the process with its status.
 */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  /** Each problem as a sentence of its own: what is wrong, where, and how to mend it. */
  readonly problems: readonly string[];
  /** The exit status of the process. */
  readonly status: number;

  constructor(
    problems: string | readonly string[],
    { status = 1, ...options }: ErrorOptions & { status?: number } = {},
  ) {
    const list = typeof problems === "string" ? [problems] : problems;
    super(list.join("\n"), options);
    this.problems = list;
    this.status = status;
  }
}

/** The failure of a command that a user has to mend in the settings, in the processor or on the command line: status 2. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";

  constructor(problems: string | readonly string[], options?: ErrorOptions) {
    super(problems, { ...options, status: 2 });
  }
}

/**
 * The collection of `MONGODB_COLLECTION` cannot be pulled from, or dead letters cannot be written to theirs: one
 * sentence.
 */
export class SourceError extends Error {
  override readonly name = "SourceError";
  /**
   * What exists under the name is not a collection: only another setting mends that. Otherwise it does not exist yet.
   */
  readonly isLasting: boolean;
  /** What exists under a similar name, by the setting that names it; undefined if nothing does. */
  readonly near: { readonly variable: string; readonly value: string } | undefined;

  constructor(
    message: string,
    { isLasting, near }: { isLasting: boolean; near?: SourceError["near"] },
  ) {
    super(message);
    this.isLasting = isLasting;
    this.near = near;
  }
}

/** Agents on the collection claim in another way than this one, so that neither may see what the other holds: one sentence. */
export class ClaimModeError extends Error {
  override readonly name = "ClaimModeError";
  /** Agents that work in another way have the mode, and may end. Otherwise the collection or the server is in the way. */
  readonly isOfOthers: boolean;

  constructor(
    message: string,
    { isOfOthers = false, ...options }: { isOfOthers?: boolean } & ErrorOptions = {},
  ) {
    super(message, options);
    this.isOfOthers = isOfOthers;
  }
}

/** Whether the operating system has refused something: a full disk, a missing right, a device that fails. */
export function isSystemError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  // The runtime itself refuses files of the kernel, such as those of /proc.
  if (error instanceof Deno.errors.NotCapable) return true;
  const { code } = error as Error & { code?: unknown };
  return (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) || /\(os error \d+\)/.test(error.message);
}

/** The reason an abort signal gives when a document's lease could not be kept. */
export class LeaseLostError extends Error {
  override readonly name: string = "LeaseLostError";
}

/** The reason an abort signal gives when an operator has canceled the document, which ends its lease. */
export class CanceledError extends LeaseLostError {
  override readonly name = "CanceledError";
}

/** The reason an abort signal gives when a handler outlives `PROCESS_TIMEOUT`. */
export class ProcessTimeoutError extends Error {
  override readonly name = "ProcessTimeoutError";
}

/** The reason of the signal `stopping`: the agent drains. A handler that throws it has its document released. */
export class StoppingError extends Error {
  override readonly name = "StoppingError";
}

/** The reason an abort signal gives when the agent is forced to stop: interruption, not failure. */
export class ForcedStopError extends Error {
  override readonly name = "ForcedStopError";
}

/** Whether a run ended with nothing that its document or its processor is at fault for. */
export function isInterruption(error: unknown): boolean {
  return error instanceof ForcedStopError || error instanceof LeaseLostError ||
    error instanceof StoppingError;
}
