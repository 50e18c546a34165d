import { assertEquals, assertRejects } from "@std/assert";
import { PermanentError } from "../../../../../agent/errors.ts";
import { Restraint } from "../../../../../agent/processors/http/restraint.ts";
import { ServiceError, StatusError } from "../../../../../agent/processors/http/service_error.ts";
import { recordedForeignLog } from "../../../../support/foreign_log.ts";
import { ManualClock } from "../../../../support/manual_clock.ts";

function setUp() {
  const clock = new ManualClock();
  const log = recordedForeignLog();
  const times = {
    maxSnoozeMs: 3_600_000,
    processTimeoutMs: 60_000,
    retryBackoffMs: 1000,
    retryBackoffMaxMs: 20_000,
  };
  const restraint = new Restraint({ clock, random: () => 0, log, ...times });
  const { signal } = new AbortController();
  let posts = 0;
  const run = (error?: Error, { attempt = 1, signal: own = signal } = {}) =>
    restraint.during(
      () => {
        posts += 1;
        return error ? Promise.reject(error) : Promise.resolve("answer");
      },
      { attempt, signal: own },
    );
  const fail = (error: Error, options = {}) => assertRejects(() => run(error, options), Error);
  const down = async () => {
    for (let count = 0; count < 10; count++) await fail(new ServiceError("down"));
  };
  return { clock, log, restraint, run, fail, down, posts: () => posts };
}

Deno.test("Restraint gives a service that fails ten times in a row one document at a time, later and later", async () => {
  const { clock, log, restraint, run, fail, down, posts } = setUp();
  for (let count = 0; count < 9; count++) await fail(new ServiceError("down"));
  assertEquals([restraint.slots, log.lines], [Infinity, []]);
  // The tenth, and those that were on their way with it.
  await Promise.all(Array.from({ length: 10 }, () => fail(new ServiceError("down"))));
  assertEquals([restraint.slots, log.lines.length, log.lines[0]!.level], [1, 1, "WARNING"]);
  for (const waitMs of [200, 400, 800, 1600, 3200, 5000, 5000]) {
    const failing = fail(new ServiceError("down"));
    const before = posts();
    await clock.advance(waitMs - 1);
    assertEquals(posts(), before);
    await clock.advance(1);
    await failing;
    assertEquals(posts(), before + 1);
  }
  const answered = run();
  await clock.advance(5000);
  await answered;
  assertEquals([restraint.slots, log.lines.length, log.lines[1]!.level], [Infinity, 2, "INFO"]);
  await down();
  assertEquals(log.lines.length, 3);
});

for (
  const [what, error] of [
    ["a failure of a document", new StatusError("answered 500")],
    ["a dead letter", new PermanentError("answered 400")],
  ] as const
) {
  Deno.test(`Restraint counts from the beginning after ${what}`, async () => {
    const { restraint, fail } = setUp();
    for (let count = 0; count < 30; count++) {
      await fail(count % 10 === 9 ? error : new ServiceError("down"));
    }
    assertEquals(restraint.slots, Infinity);
  });
}

Deno.test("Restraint learns nothing from a request that was aborted, and ends its wait", async () => {
  const { clock, restraint, fail, down } = setUp();
  await down();
  const abort = new AbortController();
  const failing = fail(new Error("PROCESS_TIMEOUT"), { signal: abort.signal });
  await clock.advance(1);
  abort.abort();
  await failing;
  assertEquals(restraint.slots, 1);
});

Deno.test("Restraint has retries wait longer by their attempt, and as long as the service asks for", async () => {
  const { fail } = setUp();
  const waits: (number | undefined)[] = [];
  for (const attempt of [1, 2, 3, 4]) {
    const error = new ServiceError("down");
    await fail(error, { attempt });
    waits.push(error.retryAfterMs);
  }
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
  Deno.test(`Restraint has a retry of a service's failure wait ${what}`, async () => {
    const { fail } = setUp();
    await fail(error, { attempt: 3 });
    assertEquals(error.retryAfterMs, waitMs);
  });
}
