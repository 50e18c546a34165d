import { assertEquals } from "@std/assert";
import { CANNOT_CLAIM } from "../../../agent/agent.ts";
import { Events } from "../../../agent/events.ts";
import { LastingFailure } from "../../../control/lasting_failure.ts";

const SECOND_MS = 1000;

/** A failure that is watched; `failed` claims every second for as long as it says. */
function watched() {
  let nowMs = 0;
  const events = new Events();
  const drained: string[] = [];
  new LastingFailure({
    clock: { monotonicMs: () => nowMs, after: () => () => {} },
    events,
    agent: { drain: (reason) => drained.push(reason) },
    isLasting: (error) => error === "refused",
  });
  const fails = (error: string, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      nowMs += SECOND_MS;
      events.emit({ type: "claim_failed", error, retryInMs: SECOND_MS });
    }
  };
  return { drained, events, fails };
}

Deno.test("LastingFailure ends the run once claims have failed for a minute of what no waiting mends", () => {
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

Deno.test("LastingFailure begins anew after a claim, or after a failure of another kind", () => {
  const { drained, events, fails } = watched();
  fails("refused", 50);
  events.emit({ type: "claimed", documents: 0, takeovers: 0, conflicts: 0, elapsedMs: 1 });
  fails("refused", 50);
  fails("out of reach", 1);
  fails("refused", 50);
  assertEquals(drained, []);
});
