import { assert, assertEquals } from "@std/assert";
import { type FleetLoad, fleetLoad } from "../../bench/fleet_load.ts";
import type { Scaling } from "../../bench/scaling.ts";
import scaling from "../../docs/scaling.json" with { type: "json" };

/** The model is an upper bound, and no more than this many times what was measured. */
const AT_MOST = 1.5;
/** Connections and heartbeats of the measurement itself, and chance. */
const TOLERANCE = 0.02;

Deno.test("fleetLoad() reckons no less than was measured with real processes, and not much more", () => {
  const { fleets } = scaling as Scaling;
  assert(fleets.some(({ fleet: { documentsPerSecond } }) => documentsPerSecond > 0));
  for (const { fleet, measured, what } of fleets) {
    const load = fleetLoad(fleet);
    for (
      const figure of [
        "commandsPerSecond",
        "heartbeatsPerSecond",
        "connections",
      ] satisfies (keyof FleetLoad)[]
    ) {
      const text = `${what}: ${figure} is ${measured[figure]}, reckoned ${load[figure]}`;
      assert(
        load[figure] >= measured[figure] * (1 - TOLERANCE) && load[figure] <= measured[figure] * AT_MOST,
        text,
      );
    }
  }
});

Deno.test("fleetLoad() grows with the agents if they are idle, and with the batches if they are not", () => {
  const idle = { agents: 100, pollSeconds: 5, batch: 100, documentsPerSecond: 0 };
  const commands = (change: Partial<typeof idle>) => fleetLoad({ ...idle, ...change }).commandsPerSecond;
  assertEquals(commands({ agents: 1000 }), 10 * commands({}));
  assert(commands({ pollSeconds: 30 }) < commands({}) / 3);
  const busy = { documentsPerSecond: 10_000 };
  assert(commands({ ...busy, batch: 10 }) > 3 * commands({ ...busy, batch: 100 }));
});
