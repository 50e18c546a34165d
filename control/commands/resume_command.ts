import { command } from "./command.ts";

/** Resumes the agent of `HEALTH_DIR`. */
export const resumeCommand = command({
  name: "resume",
  doc: "Tell the running agent to claim again. Returns when it has confirmed.",
  also: ["unpause", "continue"],
  async run(_, env) {
    const { askFor } = await import("./pause_work.ts");
    return await askFor("running", env);
  },
});
