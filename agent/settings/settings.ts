import { BREAKER_SETTINGS } from "./breaker_settings.ts";
import { DASHBOARD_SETTINGS } from "./dashboard_settings.ts";
import { DATABASE_SETTINGS } from "./database_settings.ts";
import { FLEET_SETTINGS } from "./fleet_settings.ts";
import { OPERATION_SETTINGS } from "./operation_settings.ts";
import { OTLP_SETTINGS } from "./otlp_settings.ts";
import { PACE_SETTINGS } from "./pace_settings.ts";
import { PROCESSOR_SETTINGS } from "./processor_settings.ts";
import { RATE_SETTINGS } from "./rate_settings.ts";
import { RETRY_SETTINGS } from "./retry_settings.ts";
import { SOURCE_SETTINGS } from "./source_settings.ts";
import { TELEMETRY_SETTINGS } from "./telemetry_settings.ts";
import type { Setting } from "./setting.ts";

/** Every setting, in the order in which people meet them. */
export const SETTINGS = {
  ...SOURCE_SETTINGS,
  ...PROCESSOR_SETTINGS,
  ...PACE_SETTINGS,
  ...RATE_SETTINGS,
  ...RETRY_SETTINGS,
  ...BREAKER_SETTINGS,
  ...DATABASE_SETTINGS,
  ...OPERATION_SETTINGS,
  ...FLEET_SETTINGS,
  ...OTLP_SETTINGS,
  ...TELEMETRY_SETTINGS,
  ...DASHBOARD_SETTINGS,
} as const;

type Table = typeof SETTINGS;

/** The values of all settings, checked and converted. */
export type Settings = { -readonly [K in keyof Table]: Table[K] extends Setting<infer T> ? T : never };
