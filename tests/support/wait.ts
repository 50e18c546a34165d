import { AssertionError } from "@std/assert";

/**
 * How long tests wait for anything, unless they need longer. Generous, because a machine with a slow disk and much else to
 * do takes ten times as long as an idle one: it costs only tests that fail.
 */
export const DEFAULT_TIMEOUT_MS = Number(Deno.env.get("TEST_WAIT_MS") || 120_000);
/** Between two looks. */
const LEAST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;
/** How many times as long as a look the pause after it is: looks that start a process take no more than a quarter of a core. */
const PAUSE_PER_LOOK = 3;
const LONGEST_PAUSE_AFTER_LOOK_MS = 1000;

/**
 * Looks until `fn` returns something truthy and resolves to that, for conditions of which nothing tells (a file of
 * another process, a document in the database). An error thrown by `fn` counts as "not yet", such as a file that is not
 * there. An `AssertionError` does not: what `fn` asserts has to hold each time it is called.
 *
 * Between two looks it pauses for three times as long as a look takes, at most a second, or for a twentieth of the time it
 * has waited, 10 to 100 ms, if that is longer. So many waits at once leave the processor to what they wait for.
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
  const { timeoutMs = DEFAULT_TIMEOUT_MS, everyMs } = options;
  const startedMs = performance.now();
  for (;;) {
    const lookedMs = performance.now();
    let last: string;
    try {
      const value = await fn();
      if (value) return value;
      last = `last saw ${Deno.inspect(value)}`;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      last = `last failed with ${error}`;
    }
    const nowMs = performance.now();
    if (nowMs - startedMs >= timeoutMs) {
      throw new Error(`Waited ${timeoutMs} ms for ${description} in vain: ${last}`);
    }
    const pauseMs = everyMs ?? pauseFor({ lookMs: nowMs - lookedMs, waitedMs: nowMs - startedMs });
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function pauseFor({ lookMs, waitedMs }: { lookMs: number; waitedMs: number }): number {
  return Math.max(
    LEAST_PAUSE_MS,
    Math.min(LONGEST_PAUSE_AFTER_LOOK_MS, PAUSE_PER_LOOK * lookMs),
    Math.min(LONGEST_PAUSE_MS, waitedMs / 20),
  );
}
