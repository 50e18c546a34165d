import { assertEquals } from "@std/assert";
import type { FleetAgent, FleetLook } from "../../../agent/fleet/fleet_view.ts";
import { confirmation } from "../../../control/fleet/confirmation.ts";
import { fleetLook } from "../../support/fleet_agents.ts";
import { ManualClock } from "../../support/manual_clock.ts";

type Seen = Pick<FleetAgent, "name" | "presence" | "controlId">;

/** A fleet as a test wants it. */
function fleetOf(agents: Seen[], id = "c1"): FleetLook {
  const control = { id, state: "paused", by: "ops", reason: undefined, at: new Date(0) } as const;
  return fleetLook({ at: new Date(0), control, agents: agents as FleetAgent[] });
}

function waiting(look: () => FleetLook) {
  const clock = new ManualClock();
  const stop = new AbortController();
  let looks = 0;
  const done = confirmation("c1", {
    clock,
    limitMs: 20_000,
    signal: stop.signal,
    look: () => {
      looks++;
      return Promise.resolve(look());
    },
  });
  return { clock, stop, done, looks: () => looks };
}

const SLOW: Seen = { name: "slow", presence: "alive", controlId: undefined };

Deno.test("confirmation waits for agents that are alive, also for one that starts meanwhile, and for no other", async () => {
  let agents: Seen[] = [
    { ...SLOW, name: "done", controlId: "c1" },
    { ...SLOW, name: "frozen", presence: "frozen" },
    { ...SLOW, name: "dead", presence: "dead" },
    { ...SLOW, name: "silent", presence: "silent" },
    SLOW,
  ];
  const { clock, done } = waiting(() => fleetOf(agents));
  await clock.advance(1000);
  agents = [{ ...SLOW, controlId: "c1" }, { ...SLOW, name: "late" }];
  await clock.advance(2000);
  agents = agents.map((agent) => ({ ...agent, controlId: "c1" }));
  await clock.advance(2000);
  const { missing, overruledBy, tookMs } = await done;
  assertEquals([missing, overruledBy, tookMs > 2000 && tookMs <= 5000], [[], undefined, true]);
});

Deno.test("confirmation ends at its limit with those that are missing, looks once a second at most, and holds no timer", async () => {
  const { clock, done, looks } = waiting(() => fleetOf([SLOW]));
  await clock.advance(20_000);
  const { missing, tookMs } = await done;
  assertEquals([missing.map(({ name }) => name), tookMs, clock.pending], [["slow"], 20_000, 0]);
  assertEquals(looks() < 30, true);
});

Deno.test("confirmation ends at once if another request came later, or if it is stopped", async () => {
  const overruled = await waiting(() => fleetOf([SLOW], "c2")).done;
  assertEquals(overruled.overruledBy?.id, "c2");
  const { done, stop } = waiting(() => fleetOf([SLOW]));
  stop.abort();
  assertEquals((await done).missing.length, 1);
});
