import type { Details } from "../details.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
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

/** What a store needs besides its settings; `details` gets how long operations take, and how late claims come. */
export type StoreSurroundings = TimeAndChance & { readonly details?: Details };
