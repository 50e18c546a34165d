import { Signals } from "../signals.ts";
import { command } from "./command.ts";

/** The agent itself. */
export const runCommand = command({
  name: "run",
  doc: "Pull and process documents until told to stop, or until nothing claimable is left. The default.",
  also: ["start", "work"],
  options: {
    "until-empty": { doc: "End when nothing claimable is left." },
  },
  outlivesStrayErrors: true,
  async run({ flags }, env) {
    // Before anything else: until then PID 1 ignores signals, and any other process dies of the user signals.
    const signals = new Signals();
    const { runAgent } = await import("../run/start.ts");
    return await runAgent(env, signals, { untilEmpty: flags.includes("until-empty") });
  },
});
