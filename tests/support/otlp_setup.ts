import { Details } from "../../agent/details.ts";
import { Numbers } from "../../agent/metrics/numbers.ts";
import { loadSettings } from "../../agent/settings/load_settings.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { Logger } from "../../agent/telemetry/logger.ts";
import { destinationsOf } from "../../control/otlp/destinations.ts";
import { Otlp } from "../../control/otlp/otlp.ts";
import type { OtlpReceiver } from "./otlp_receiver.ts";
import { RecordedLines } from "./recorded_lines.ts";

/** Settings of an agent that are complete. */
const REQUIRED = { MONGODB_URI: "mongodb://db/", MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "orders" };
/** Nothing is pushed before the end unless a test asks for it. */
const SLOW = { OTEL_BSP_SCHEDULE_DELAY: "3600000", OTEL_METRIC_EXPORT_INTERVAL: "86400000" };

/** The settings of an agent that pushes to `endpoint`. */
function otlpSettings(endpoint: string, env: Record<string, string> = {}): Settings {
  const all: Record<string, string> = { ...REQUIRED, ...SLOW, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env };
  const { values } = loadSettings((name) => all[name], { hostName: "pod-1", isTerminal: false });
  return values as Settings;
}

/** What pushes telemetry, and where it hears of details. */
export class OtlpSetup {
  readonly details = new Details();
  readonly numbers = new Numbers({
    database: "shop",
    collection: "orders",
    version: "1.0.0",
    commit: "c0ffee",
  });
  readonly lines = new RecordedLines();
  readonly otlp: Otlp;

  constructor({ endpoint }: Pick<OtlpReceiver, "endpoint">, env: Record<string, string> = {}) {
    const settings = otlpSettings(endpoint, env);
    const log = new Logger({ level: "DEBUG", format: "text", output: this.lines });
    const { details, numbers } = this;
    this.otlp = new Otlp(destinationsOf(settings), { settings, log, details, numbers });
  }

  /** The log without its times. */
  get log(): string[] {
    return this.lines.lines.map((line) => line.replace(/^[\d:.]+ /, ""));
  }
}
