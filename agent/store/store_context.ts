import type { Collection } from "mongodb";
import type { ServerClock } from "./connection/server_clock.ts";

/** What every write on leased documents needs. */
export interface StoreContext {
  collection: Collection;
  clock: ServerClock;
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}
