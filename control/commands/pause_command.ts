import { command } from "./command.ts";

/** Pauses the agent of `HEALTH_DIR`. */
export const pauseCommand = command({
  name: "pause",
  doc: "Tell the running agent to claim nothing. Returns when it has confirmed.",
  async run(_, env) {
    const { askFor } = await import("./pause_work.ts");
    return await askFor("paused", env);
  },
});
