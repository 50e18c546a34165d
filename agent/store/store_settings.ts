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
  & Partial<Pick<Settings, "claimMode" | "fleet" | "mongodbUriFile">>;

/** What a store needs besides its settings. */
export interface StoreSurroundings extends TimeAndChance {
  /** Gets how long operations take, and how late claims come. */
  readonly details?: Details;
  /** A UUID of the process, if it is an agent: its connections have it in their metadata, and its entry in its id. */
  readonly instance?: string;
  /** It holds no leases: a server may take its time to answer, however short those of the agents are. */
  readonly isLeaseless?: boolean;
}
