import { errorText } from "../errors.ts";

/** The failure that a returned value stands for. */
export interface ReturnedFailure {
  readonly error: unknown;
}

/**
 * The failure that a returned value stands for; undefined if it stands for none. These are failures: an error, `false`,
 * an answer that says so itself (`ok: false` as of `fetch`, `success: false`), and a rejected record of
 * `Promise.allSettled`.
 *
 * @throws What the value throws when it is looked at.
 */
export function returnedFailure(value: unknown): ReturnedFailure | undefined {
  if (value === false) return { error: new Error("The processor returned false") };
  if (typeof value !== "object" || value === null) return undefined;
  if (isError(value)) return { error: value };
  if (isSettledRecord(value)) return value.status === "rejected" ? { error: value.reason } : undefined;
  const { ok, success } = value as { ok?: unknown; success?: unknown };
  // A field of the document itself tells nothing about the processor's work.
  if ((ok !== false && success !== false) || Object.hasOwn(value, "_id")) return undefined;
  return { error: answeredError(value, ok === false ? "ok: false" : "success: false") };
}

/** A record as `Promise.allSettled` makes them. A document may have a status of the same name, and other fields. */
export function isSettledRecord(
  value: object,
): value is { status: "fulfilled"; value: unknown } | { status: "rejected"; reason: unknown } {
  const { status } = value as { status?: unknown };
  if (status !== "fulfilled" && status !== "rejected") return false;
  const keys = Object.keys(value);
  return keys.length === 2 && keys.includes(status === "fulfilled" ? "value" : "reason");
}

function isError(value: object): boolean {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

/** An answer that is not a success, as an error. It keeps `permanent` and `retryAfterMs`. */
function answeredError(value: object, said: string): unknown {
  const { error, message, status, permanent, retryAfterMs } = value as Record<string, unknown>;
  if (typeof error === "object" && error !== null && isError(error)) return error;
  const told = [error, message].find((each) => each !== undefined && each !== null && each !== "");
  const why = told !== undefined ? `: ${errorText(told)}` : "";
  const text = typeof status === "number"
    ? `The processor returned an answer with the status ${status}${why}`
    : `The processor returned ${said}${why}`;
  return Object.assign(new Error(text), { permanent, retryAfterMs });
}
