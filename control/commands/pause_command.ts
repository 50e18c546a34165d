import { command } from "./command.ts";
import { FLEET_OPTIONS, refuseWithoutFleet } from "./fleet_options.ts";

/** Pauses the agent of `HEALTH_DIR`, or all agents of the collection. */
export const pauseCommand = command({
  name: "pause",
  doc:
    "Tell the running agent to claim nothing, or with --fleet all agents. Returns when they have confirmed.",
  options: FLEET_OPTIONS,
  async run({ flags, options }, env) {
    if (flags.includes("fleet")) {
      const { askFleet } = await import("./fleet_control_work.ts");
      return await askFleet({ wanted: "paused", reason: options.reason?.[0], by: options.by?.[0] }, env);
    }
    refuseWithoutFleet("pause", options);
    const { askFor } = await import("./pause_work.ts");
    return await askFor("paused", env);
  },
});
