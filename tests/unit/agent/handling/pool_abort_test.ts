import { CLOSED_BREAKER } from "../../../support/closed_breaker.ts";
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { Events } from "../../../../agent/events.ts";
import { ForcedStopError, LeaseLostError, ProcessTimeoutError } from "../../../../agent/errors.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import type { Outcome } from "../../../../agent/settling/outcome.ts";
import { Pool, type PoolOptions } from "../../../../agent/handling/pool.ts";
import { RefusedOutcomes } from "../../../../agent/settling/refused_outcome.ts";
import { AGENT_SETTINGS, NO_SAVER, SILENT_LOGS } from "../../../support/agent_setup.ts";
import { EventRecorder } from "../../../support/event_recorder.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { markingStore } from "../../../support/marking_store.ts";
import { TARGETS } from "../../../support/results.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";

const PROCESS_TIMEOUT_MS = AGENT_SETTINGS.processTimeoutMs;
/** What a handler has after a forced stop. */
const GRACE_MS = 500;

/** A pool with one document in it, whose handler does as the test says. */
function setUp(
  handler: (signal: AbortSignal, clock: ManualClock) => unknown,
  options: Partial<PoolOptions> = {},
) {
  const clock = new ManualClock();
  const events = new Events();
  const recorder = new EventRecorder(events);
  const ledger = new Ledger();
  const outcomes: Outcome[] = [];
  const pool = new Pool({
    breaker: CLOSED_BREAKER,
    ...AGENT_SETTINGS,
    saver: NO_SAVER,
    policy: { ...AGENT_SETTINGS, random: () => 0.5 },
    clock,
    events,
    ledger,
    leaseMs: 60_000,
    processing: { kind: "single", process: (_, { signal }) => handler(signal, clock) },
    store: markingStore(),
    refusedOutcomes: new RefusedOutcomes(),
    logs: SILENT_LOGS,
    targets: TARGETS,
    settler: {
      settle: (held, outcome) => {
        outcomes.push(outcome);
        ledger.remove(held);
      },
    },
    ...options,
  });
  pool.add([fakeDocument({ id: "a", leasedAtMs: clock.monotonicMs() })]);
  const held = ledger.all()[0] as Held;
  return { clock, recorder, ledger, outcomes, pool, held };
}

/** Ignores its signal, like a loop that awaits something that never comes. */
const deaf = () => new Promise<never>(() => {});

/** Gives up with the signal's reason as soon as it is aborted. */
function obedient(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** Gives up with an error of its own, as most libraries do. */
function ownError(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error("request aborted")))
  );
}

for (const [name, handler] of Object.entries({ deaf, obedient, ownError })) {
  Deno.test(`Pool nacks after PROCESS_TIMEOUT, with a handler that is ${name}`, async () => {
    const { clock, outcomes, recorder, held } = setUp(handler);
    await clock.advance(PROCESS_TIMEOUT_MS - 1);
    assertEquals(outcomes, []);
    assertEquals(held.abort.signal.aborted, false);
    await clock.advance(1);
    const [outcome, ...more] = outcomes;
    assert(outcome?.kind === "nack");
    assertMatch(outcome.error, /took longer than PROCESS_TIMEOUT \(20000 ms\)/);
    assertEquals(more, []);
    assertInstanceOf(held.abort.signal.reason, ProcessTimeoutError);
    assertEquals(recorder.of("handler_timed_out"), [
      { type: "handler_timed_out", id: "a", attempt: 1, timeoutMs: PROCESS_TIMEOUT_MS },
    ]);
  });
}

Deno.test("Pool gives the slot of a handler that timed out to the next document", async () => {
  let started = 0;
  const { clock, pool } = setUp(() => {
    started += 1;
    return deaf();
  }, { concurrency: 1 });
  pool.add([fakeDocument({ leasedAtMs: clock.monotonicMs() })]);
  assertEquals(started, 1);
  await clock.advance(PROCESS_TIMEOUT_MS);
  assertEquals(started, 2);
});

for (const how of ["resolve", "reject"] as const) {
  Deno.test(`Pool reports a handler that ${how}s after its timeout as late, and does not use it`, async () => {
    const run = Promise.withResolvers<unknown>();
    const { clock, outcomes, recorder } = setUp(() => run.promise);
    await clock.advance(PROCESS_TIMEOUT_MS + 7000);
    assertEquals(recorder.of("handler_returned_late"), []);
    run[how](new Error("late"));
    await settled();
    assertEquals(recorder.of("handler_returned_late"), [
      { type: "handler_returned_late", id: "a", attempt: 1, elapsedMs: PROCESS_TIMEOUT_MS + 7000 },
    ]);
    assertEquals(outcomes.length, 1);
  });
}

Deno.test("Pool reports no late return of a handler that gave up when told so", async () => {
  const { clock, recorder } = setUp(obedient);
  await clock.advance(PROCESS_TIMEOUT_MS);
  await clock.advance(60_000);
  assertEquals(recorder.of("handler_returned_late"), []);
});

Deno.test("Pool cancels the timeout of a handler that ended in time", async () => {
  const { clock, outcomes, recorder } = setUp(() => "done");
  await settled();
  assertEquals(outcomes.map(({ kind }) => kind), ["ack"]);
  assertEquals(clock.pending, 0);
  await clock.advance(PROCESS_TIMEOUT_MS * 2);
  assertEquals(recorder.all, []);
});

const ABORTED = { kind: "release", wasAborted: true } as const;

for (const [name, handler] of Object.entries({ obedient, ownError })) {
  Deno.test(`Pool.force() releases at once, with a handler that is ${name}`, async () => {
    const { held, outcomes, pool } = setUp(handler);
    pool.force();
    await settled();
    assertInstanceOf(held.abort.signal.reason, ForcedStopError);
    assertEquals(outcomes, [ABORTED]);
  });
}

Deno.test("Pool.force() releases after a grace if the handler ignores its signal", async () => {
  const { clock, outcomes, pool } = setUp(deaf);
  pool.force();
  await clock.advance(GRACE_MS - 1);
  assertEquals(outcomes, []);
  await clock.advance(1);
  assertEquals(outcomes, [ABORTED]);
});

Deno.test("Pool.force() still acks what a handler finishes within the grace", async () => {
  const run = Promise.withResolvers<unknown>();
  const { clock, outcomes, pool } = setUp(() => run.promise);
  pool.force();
  await clock.advance(GRACE_MS - 1);
  run.resolve({ set: { n: 1 } });
  await clock.advance(GRACE_MS);
  assertEquals(outcomes, [{ kind: "ack", set: { n: 1 }, writes: undefined }]);
});

Deno.test("Pool.force() releases what waits and starts nothing in its place", async () => {
  let started = 0;
  const { clock, outcomes, pool } = setUp(() => {
    started += 1;
    return deaf();
  }, { concurrency: 1 });
  pool.add([fakeDocument({ leasedAtMs: clock.monotonicMs() })]);
  pool.force();
  assertEquals(outcomes, [{ kind: "release" }]);
  await clock.advance(GRACE_MS);
  assertEquals(outcomes, [{ kind: "release" }, ABORTED]);
  assertEquals(started, 1);
});

Deno.test("Pool releases a document whose lease could not be kept, and costs it no attempt", async () => {
  const { clock, held, outcomes } = setUp(deaf);
  held.abort.abort(new LeaseLostError("gone"));
  await clock.advance(0);
  assertEquals(outcomes, [ABORTED]);
});
