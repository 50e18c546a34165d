import type { PoolOptions } from "../../agent/handling/pool.ts";
import { TransientError } from "./fake_store.ts";

/** As much of a store as a pool needs: it notes that suspects run alone, as the test says. */
export function markingStore(
  markRunningAlone: PoolOptions["store"]["markRunningAlone"] = () => Promise.resolve(1),
): PoolOptions["store"] {
  return {
    markRunningAlone,
    isTransient: (error) => error instanceof TransientError,
    isDoubtful: () => false,
  };
}
