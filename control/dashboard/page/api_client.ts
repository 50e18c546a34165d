import type { ErrorAnswer } from "../api.ts";

/** A request that was refused or that failed. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** `connection`: there was no answer of the dashboard at all. */
  readonly kind: ErrorAnswer["error"]["kind"] | "connection";

  constructor(kind: ApiError["kind"], text: string, options?: ErrorOptions) {
    super(text, options);
    this.kind = kind;
  }
}

/** An answer that takes longer is as good as none, in milliseconds. */
const LIMIT_MS = 15_000;

/**
 * Reads. The path is below the base, as `api/overview`.
 *
 * @throws {ApiError}
 */
export function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return ask(path, { ...(signal && { signal }) });
}

/**
 * Changes.
 *
 * @throws {ApiError}
 */
export function post<Answer>(path: string, body: unknown): Promise<Answer> {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(path, { ...init, signal, cache: "no-store" });
    answer = await response.json().catch(() => undefined);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError("connection", "The dashboard does not answer", { cause: error });
  }
  if (response.ok && answer !== undefined) return answer as Answer;
  const refused = (answer as Partial<ErrorAnswer> | undefined)?.error;
  // An answer of something in between, such as a proxy whose dashboard is gone.
  if (refused === undefined) {
    throw new ApiError("connection", `Status ${response.status} came, not an answer`);
  }
  throw new ApiError(refused.kind, refused.text);
}

/** What to show of a failure. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
