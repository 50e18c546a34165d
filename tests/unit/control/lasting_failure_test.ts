import { assertEquals } from "@std/assert";
import { CANNOT_CLAIM, CANNOT_WRITE, PROCESSOR_FAILS } from "../../../agent/drain.ts";
import { Events } from "../../../agent/events.ts";
import { LastingFailure } from "../../../control/lasting_failure.ts";
import { ManualClock } from "../../support/manual_clock.ts";

const SECOND_MS = 1000;

/** A failure that is watched; `failed` claims every second for as long as it says. */
function watched() {
  const clock = new ManualClock();
  const events = new Events();
  const drained: string[] = [];
  new LastingFailure({
    clock,
    events,
    agent: { drain: (reason) => drained.push(reason) },
    isLasting: (error) => error === "refused",
  });
  const fails = (error: string, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.skip(SECOND_MS);
      events.emit({ type: "claim_failed", error, retryInMs: SECOND_MS });
    }
  };
  const writesFail = (what: { isLasting?: boolean; isDoubtful?: boolean }, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.skip(SECOND_MS);
      const failed = { type: "settle_failed", kind: "ack", documents: 1, retryInMs: SECOND_MS } as const;
      events.emit({ ...failed, error: "refused", ...what });
      // Claims that find nothing prove nothing of outcomes.
      events.emit({ type: "claimed", documents: 0, takeovers: 0, conflicts: 0, elapsedMs: 1 });
    }
  };
  return { drained, events, fails, writesFail };
}

Deno.test("LastingFailure ends the run once claims have failed for a minute for lasting reasons", () => {
  const { drained, fails } = watched();
  fails("refused", 60);
  assertEquals(drained, []);
  fails("refused", 1);
  assertEquals(drained, [CANNOT_CLAIM]);
});

Deno.test("LastingFailure goes on waiting for the end of an outage", () => {
  const { drained, fails } = watched();
  fails("out of reach", 10_000);
  assertEquals(drained, []);
});

for (
  const [what, event] of [
    ["a claim", { type: "claimed", documents: 0, takeovers: 0, conflicts: 0, elapsedMs: 1 }],
    ["an answer of the fleet's registry", { type: "registry_answers" }],
  ] as const
) {
  Deno.test(`LastingFailure begins anew after ${what}`, () => {
    const { drained, events, fails } = watched();
    fails("refused", 60);
    events.emit(event);
    fails("refused", 60);
    assertEquals(drained, []);
    fails("refused", 1);
    assertEquals(drained, [CANNOT_CLAIM]);
  });
}

Deno.test("LastingFailure ends the run also if the network comes and goes meanwhile", () => {
  const { drained, fails } = watched();
  for (let count = 0; count < 60; count++) {
    fails("refused", 1);
    fails("out of reach", 1);
  }
  assertEquals(drained, []);
  fails("refused", 1);
  assertEquals(drained, [CANNOT_CLAIM]);
});

Deno.test("LastingFailure does not count the time of an outage", () => {
  const { drained, fails } = watched();
  fails("out of reach", 1000);
  fails("refused", 30);
  fails("out of reach", 10_000);
  fails("refused", 30);
  assertEquals(drained, []);
  fails("refused", 1);
  assertEquals(drained, [CANNOT_CLAIM]);
});

for (const what of [{ isLasting: true }, { isDoubtful: true }]) {
  Deno.test(`LastingFailure ends the run once outcomes could not be written for a minute (${Object.keys(what)})`, () => {
    const { drained, writesFail } = watched();
    writesFail(what, 60);
    assertEquals(drained, []);
    writesFail(what, 1);
    assertEquals(drained, [CANNOT_WRITE]);
  });

  Deno.test(`LastingFailure begins anew once an outcome is written, and not after an outage (${Object.keys(what)})`, () => {
    const { drained, events, writesFail } = watched();
    writesFail(what, 50);
    events.emit({ type: "processed", documents: 1 });
    writesFail(what, 50);
    writesFail({}, 100);
    writesFail(what, 10);
    assertEquals(drained, []);
    writesFail(what, 1);
    assertEquals(drained, [CANNOT_WRITE]);
  });
}

Deno.test("LastingFailure goes on counting if documents are released because their acks are refused", () => {
  const { drained, events, writesFail } = watched();
  writesFail({ isDoubtful: true }, 50);
  events.emit({ type: "released", documents: 2, aborted: 0, inDoubt: 2 });
  writesFail({ isDoubtful: true }, 10);
  assertEquals(drained, []);
  writesFail({ isDoubtful: true }, 1);
  assertEquals(drained, [CANNOT_WRITE]);
});

Deno.test("LastingFailure ends the run once the breaker has been open for long", () => {
  const { drained, events } = watched();
  const opened = {
    type: "breaker_opened",
    error: "refused",
    retryInMs: 5,
    openForMs: 5,
    isAgain: true,
  } as const;
  events.emit({ ...opened, isLasting: false });
  assertEquals(drained, []);
  events.emit({ ...opened, isLasting: true });
  assertEquals(drained, [PROCESSOR_FAILS]);
});
