import { AssertionError } from "@std/assert";

/** How long tests wait for anything, unless they say otherwise. Generous: it costs only tests that fail. */
export const DEFAULT_TIMEOUT_MS = 15_000;
const POLL_MS = 10;

/**
 * Polls until `fn` returns something truthy and resolves to that, for conditions of which nothing tells (a file of
 * another process, a document in the database). An error thrown by `fn` counts as "not yet", such as a file that is not
 * there. An `AssertionError` does not: what `fn` asserts has to hold each time it is called.
 *
 * @param description what is awaited, as it should read in a failure: `the document to be processed`
 * @throws {AssertionError} at once, if `fn` throws it
 * @throws {Error} after `timeoutMs`, saying what was awaited and what was seen last
 */
export async function waitFor<T>(
  description: string,
  fn: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, everyMs = POLL_MS } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let last: string;
    try {
      const value = await fn();
      if (value) return value;
      last = `last saw ${Deno.inspect(value)}`;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      last = `last failed with ${error}`;
    }
    if (performance.now() >= deadline) {
      throw new Error(`Waited ${timeoutMs} ms for ${description} in vain: ${last}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
