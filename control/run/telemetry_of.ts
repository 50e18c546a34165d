import type { Telemetry } from "../metrics/telemetry.ts";
import { destinationsOf } from "../otlp/destinations.ts";
import type { Parts } from "./parts.ts";

/**
 * The telemetry of a run; undefined if no setting asks for it. Then nothing of it is loaded.
 *
 * @throws {CommandError} If a sink cannot be opened.
 */
export async function telemetryOf(parts: Parts): Promise<Telemetry | undefined> {
  const { metricsFile, metricsPort } = parts.settings;
  const destinations = destinationsOf(parts.settings);
  if (!metricsFile && metricsPort === undefined && destinations.length === 0) return undefined;
  const { Telemetry } = await import("../metrics/telemetry.ts");
  const telemetry = new Telemetry(parts);
  if (destinations.length > 0) {
    const { Otlp } = await import("../otlp/otlp.ts");
    telemetry.push(new Otlp(destinations, { ...parts, numbers: telemetry.numbers }));
  }
  return telemetry;
}
