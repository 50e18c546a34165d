import { command } from "./command.ts";

/** Checks the settings and the processor, and prints what the agent would use. */
export const checkCommand = command({
  name: "check",
  doc: "Validate the settings and load the processor, without a database.",
  also: ["validate", "test"],
  async run(_, env) {
    const { check } = await import("./check_work.ts");
    return await check(env);
  },
});
