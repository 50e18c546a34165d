import type { Settings } from "../../agent/settings/settings.ts";
import { destinationsOf } from "../otlp/destinations.ts";

/** Whether metrics are shown anywhere, or pushed. */
export function showsMetrics(settings: Settings): boolean {
  return settings.metricsFile || settings.metricsPort !== undefined ||
    destinationsOf(settings).some(({ signal }) => signal === "metrics");
}
