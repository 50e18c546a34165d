import type { Settings } from "./settings/settings.ts";

/** The settings that the agent itself follows. */
export type AgentSettings = Pick<
  Settings,
  | "batchSize"
  | "breakerCooldownMs"
  | "breakerThreshold"
  | "concurrency"
  | "deadLetterCollection"
  | "leaseMs"
  | "maxAttempts"
  | "maxSnoozeMs"
  | "mongodbCollection"
  | "mongodbDatabase"
  | "pollIntervalMs"
  | "processTimeoutMs"
  | "retryBackoffMs"
  | "retryBackoffMaxMs"
  | "shutdownTimeoutMs"
  | "writesTo"
>;
