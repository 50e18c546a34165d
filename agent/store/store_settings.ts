import type { Settings } from "../settings/settings.ts";

/** The settings that the store follows. */
export type StoreSettings =
  & Pick<
    Settings,
    | "agentName"
    | "deadLetterCollection"
    | "leaseMs"
    | "maxAttempts"
    | "mongodbCollection"
    | "mongodbDatabase"
    | "mongodbUri"
    | "readBack"
  >
  & Partial<Pick<Settings, "mongodbUriFile">>;
