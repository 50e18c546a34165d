import { assertEquals } from "@std/assert";
import { Patience } from "../../../../../agent/processors/http/patience.ts";
import { ServiceError, StatusError } from "../../../../../agent/processors/http/service_error.ts";

function waitOf(error: StatusError, attempt: number): number | undefined {
  const times = { maxSnoozeMs: 3_600_000, retryBackoffMs: 1000, retryBackoffMaxMs: 20_000 };
  new Patience({ random: () => 0, ...times }).setWait(error, attempt);
  return error.retryAfterMs;
}

Deno.test("Patience has retries of a service that failed wait longer by their attempt", () => {
  const waits = [1, 2, 3, 4].map((attempt) => waitOf(new ServiceError("down"), attempt));
  assertEquals(waits, [2000, 4000, 8000, 10_000]);
});

for (
  const [what, error, waitMs] of [
    ["no less than it asks for", new ServiceError("down", 60_000), 60_000],
    ["longer than at once", new ServiceError("down", 0), 8000],
    ["for MAX_SNOOZE at most", new ServiceError("down", 1e15), 3_600_000],
    ["as long as it asks for after a failure of the document", new StatusError("no", 0), 0],
    ["for MAX_SNOOZE at most after a failure of the document", new StatusError("no", 1e15), 3_600_000],
    ["as usual if it asks for nothing", new StatusError("no"), undefined],
  ] as const
) {
  Deno.test(`Patience has a retry of a service's failure wait ${what}`, () => {
    assertEquals(waitOf(error, 3), waitMs);
  });
}

Deno.test("Patience leaves alone what is no answer of a service", () => {
  const error = new TypeError("no JSON");
  new Patience({ random: () => 0, maxSnoozeMs: 1, retryBackoffMs: 1, retryBackoffMaxMs: 1 }).setWait(
    error,
    1,
  );
  assertEquals(Object.keys(error), []);
});
