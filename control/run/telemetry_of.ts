import type { Telemetry } from "../metrics/telemetry.ts";
import type { Parts } from "./parts.ts";

/**
 * The telemetry of a run; undefined if no setting asks for it. Then nothing of it is loaded.
 *
 * @throws {CommandError} If a sink cannot be opened.
 */
export async function telemetryOf(parts: Parts): Promise<Telemetry | undefined> {
  const { metricsFile, metricsPort } = parts.settings;
  if (!metricsFile && metricsPort === undefined) return undefined;
  const { Telemetry } = await import("../metrics/telemetry.ts");
  return new Telemetry(parts);
}
