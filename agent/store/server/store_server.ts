import type { Abilities } from "./abilities.ts";
import type { ServerTime } from "./server_time.ts";

/** The server, as the operations of the store need to know it. */
export interface StoreServer {
  readonly abilities: Pick<Abilities, "lacks">;
  /** The time to compare with in conditions, of which an earlier one does no harm. */
  readonly time: ServerTime;
  /**
   * The time to compare with in the condition of a write that a later one does no harm to, and that may arrive `withinMs`
   * milliseconds late. It costs a round trip if the server does not know `$$NOW`.
   */
  latestTime(withinMs: number): Promise<ServerTime>;
}
