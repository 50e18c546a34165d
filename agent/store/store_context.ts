import type { Collection } from "mongodb";
import type { Clock } from "../lib/clock.ts";
import type { StoreServer } from "./server/store_server.ts";
import type { ServerClock } from "./connection/server_clock.ts";

/** What every write on leased documents needs. */
export interface StoreContext {
  collection: Collection;
  clock: Clock;
  serverClock: ServerClock;
  /** What the server lacks, and the time to compare with. */
  server: StoreServer;
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** The server gives up a grouped write after this long, in milliseconds, as documents may be locked. */
  writeLimitMs: number;
}
