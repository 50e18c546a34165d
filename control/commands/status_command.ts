import { command } from "./command.ts";

/** Prints what the agent of `HEALTH_DIR` is doing, or all agents of the collection. */
export const statusCommand = command({
  name: "status",
  doc: "Show what the running agent is doing, or with --fleet all agents.",
  also: ["info", "ps"],
  options: {
    json: { doc: "Print the status as one line of JSON." },
    watch: {
      doc: "Show it again every 2 seconds, until Ctrl-C: in place on a terminal, otherwise as lines.",
    },
    fleet: { doc: "All agents of the collection; needs MongoDB, and no health directory." },
  },
  oneOf: ["watch", "fleet"],
  async run({ flags }, env) {
    const options = { asJson: flags.includes("json"), env };
    if (flags.includes("fleet")) {
      const { reportFleet } = await import("./fleet_status_work.ts");
      return await reportFleet(options);
    }
    if (flags.includes("watch")) {
      const { watchStatus } = await import("./status_watch.ts");
      return await watchStatus(options);
    }
    const { reportStatus } = await import("../../health/status_report.ts");
    return await reportStatus(options);
  },
});
