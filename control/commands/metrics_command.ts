import { command } from "./command.ts";

/** Prints the metrics of the agent of `HEALTH_DIR`. */
export const metricsCommand = command({
  name: "metrics",
  doc: "Print the metrics of the running agent, if METRICS_FILE=true.",
  async run(_line, env) {
    const { reportMetrics } = await import("../../health/metrics_report.ts");
    return await reportMetrics(env);
  },
});
