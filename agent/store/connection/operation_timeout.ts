import type { Clock } from "../../lib/clock.ts";
import { answerBy } from "../../lib/deadline.ts";

/** An operation was given up: its outcome is not known, and it may be sent again. */
export class OperationTimeoutError extends Error {
  override readonly name: string = "OperationTimeoutError";
}

/** A server stops working on a query of the agent's after this long, in milliseconds. */
export const MAX_TIME_MS = 10_000;
/**
 * How long the parts of an operation may take before it is given up, in whole milliseconds: MongoDB refuses a command with
 * a part of one.
 */
export interface TimeLimits {
  /** To find a server that takes writes, or a free connection to it. */
  readonly selectionMs: number;
  /** To open a connection. */
  readonly connectMs: number;
  /**
   * For a server to answer: it may be frozen. Far below the usual lease. If the lease is two seconds or more, at most
   * half of it.
   */
  readonly socketMs: number;
  /**
   * For a majority to have a write: the server reports that none has it before the agent gives the connection up, which
   * would tell no reason.
   */
  readonly majorityMs: number;
  /**
   * For the server to carry out a claim: the server gives it up before the agent does, and after it has reported a
   * missing majority.
   */
  readonly claimMs: number;
  /** For the server to wait for changes to report. */
  readonly changesMs: number;
  /** For all of it, a second more than the driver's own limits. */
  readonly answerMs: number;
}

/** The limits under leases of `leaseMs` milliseconds. */
export function timeLimits(leaseMs: number): TimeLimits {
  const [selectionMs, connectMs] = [5000, 5000];
  const socketMs = Math.floor(Math.max(1000, Math.min(10_000, leaseMs / 2)));
  return {
    selectionMs,
    connectMs,
    socketMs,
    majorityMs: Math.floor(0.8 * socketMs),
    claimMs: Math.floor(0.9 * socketMs),
    changesMs: Math.floor(Math.min(5000, socketMs / 2)),
    answerMs: selectionMs + socketMs + 1000,
  };
}

/**
 * The operation's answer, or {@linkcode OperationTimeoutError} after `limitMs` milliseconds. The driver's own timeouts
 * leave a gap: if a socket is closed while a command is about to be written to it, the command waits for a `drain`
 * event that never comes. Its caller would hold its documents until the end of the process.
 */
export function answerWithin<T>(operation: Promise<T>, limitMs: number, clock: Clock): Promise<T> {
  const late = () => new OperationTimeoutError(`MongoDB did not answer within ${limitMs} ms`);
  return answerBy(operation, { clock, limitMs }, late);
}
