import { command } from "./command.ts";

/** Prints what the agent of `HEALTH_DIR` is doing. */
export const statusCommand = command({
  name: "status",
  doc: "Show what the running agent is doing.",
  also: ["info", "ps"],
  options: {
    json: { doc: "Print the status as one line of JSON." },
  },
  async run({ flags }, env) {
    const { reportStatus } = await import("../../health/status_report.ts");
    return await reportStatus({ asJson: flags.includes("json"), env });
  },
});
