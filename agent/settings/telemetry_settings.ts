import { setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** What the agent shows of its work to systems that watch it. */
export const TELEMETRY_SETTINGS = {
  metricsPort: setting<number | undefined>({
    variable: "METRICS_PORT",
    parse: parse.integer(1, 65_535),
    fallback: () => undefined,
    defaultText: "none",
    doc: "Port that serves `/metrics` for Prometheus. Without it the agent listens on no port.",
  }),
  metricsHost: setting<string>({
    variable: "METRICS_HOST",
    parse: parse.ipAddress,
    default: "127.0.0.1",
    doc:
      "Address on which `METRICS_PORT` is served. `0.0.0.0` or `::` serves it on all addresses of the pod, which Prometheus needs.",
  }),
  metricsFile: setting<boolean>({
    variable: "METRICS_FILE",
    parse: parse.boolean,
    default: "false",
    doc: "Whether the metrics are written to `metrics.prom` in `HEALTH_DIR` with each heartbeat.",
  }),
} as const;
