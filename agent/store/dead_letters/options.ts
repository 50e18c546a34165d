import type { Collection } from "mongodb";
import type { ServerClock } from "../connection/server_clock.ts";
import type { StoreServer } from "../server/store_server.ts";

/** Where dead letters come from and where they go. */
export interface DeadLetterOptions {
  collection: Collection;
  letters: Collection;
  serverClock: ServerClock;
  server: StoreServer;
  maxTimeMS: number;
}

/** What the commands on dead letters need. */
export type LettersForCommandsOptions = Omit<DeadLetterOptions, "maxTimeMS">;
