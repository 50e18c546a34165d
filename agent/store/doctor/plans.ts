import type { Db, Document, Filter } from "mongodb";
import { filterAtFault } from "../filter.ts";
import { stagesOf } from "../plan_stages.ts";
import type { ServerTime } from "../server/server_time.ts";
import {
  CLAIM_ORDER,
  claimable,
  isSuspectKind,
  type Kind,
  KINDS,
  SUSPECT_KINDS,
  type SuspectKind,
} from "../queries.ts";

/** How the server would carry out a query of the claims. */
export interface Plan {
  readonly kind: Kind | SuspectKind;
  /** Its shape, as the server's plan cache names it. */
  readonly shape: { readonly query: Filter<Document>; readonly sort?: Document };
  /** The names of its stages, such as `IXSCAN`, the outermost first. */
  readonly stages: readonly string[];
  /** The indexes that it goes by. */
  readonly indexes: readonly string[];
}

/** The documents that a query asks for at most, as those of a usual claim. */
const LIMIT = 100;

/**
 * Asks the server how it would look for the documents of each kind; it carries none of the queries out.
 *
 * @throws {FilterError} If the server cannot use `FILTER`; otherwise what the driver throws.
 */
export async function claimPlans(
  db: Db,
  collection: string,
  { filter, maxTimeMS, time }: { filter: Filter<Document> | undefined; maxTimeMS: number; time: ServerTime },
): Promise<readonly Plan[]> {
  try {
    return await Promise.all([...KINDS, ...SUSPECT_KINDS].map(async (kind) => {
      const query = claimable(kind, time, filter);
      const sort = isSuspectKind(kind) ? {} : { sort: CLAIM_ORDER };
      const find = { find: collection, filter: query, ...sort, limit: LIMIT };
      const { queryPlanner } = await db.command({ explain: find, verbosity: "queryPlanner", maxTimeMS });
      const found = [...stagesOf(queryPlanner?.winningPlan)];
      return {
        kind,
        shape: { query, ...sort },
        stages: found.map(({ stage }) => stage),
        indexes: found.flatMap(({ indexName }) => indexName ?? []),
      };
    }));
  } catch (error) {
    throw filterAtFault(error, filter);
  }
}
