import { command } from "./command.ts";
import { FLEET_OPTIONS, refuseWithoutFleet } from "./fleet_options.ts";

/** Resumes the agent of `HEALTH_DIR`, or all agents of the collection. */
export const resumeCommand = command({
  name: "resume",
  doc: "Tell the running agent to claim again, or with --fleet all agents. Returns when they have confirmed.",
  also: ["unpause", "continue"],
  options: FLEET_OPTIONS,
  async run({ flags, options }, env) {
    if (flags.includes("fleet")) {
      const { askFleet } = await import("./fleet_control_work.ts");
      return await askFleet({ wanted: "running", reason: options.reason?.[0], by: options.by?.[0] }, env);
    }
    refuseWithoutFleet("resume", options);
    const { askFor } = await import("./pause_work.ts");
    return await askFor("running", env);
  },
});
