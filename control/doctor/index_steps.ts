import type { Document } from "mongodb";
import type { DatabaseFacts } from "../../agent/store/doctor/database_facts.ts";
import type { Index } from "../../agent/store/indexes.ts";
import type { Step } from "./concern.ts";
import { ifSeen } from "./examined.ts";
import { runCommands } from "./steps.ts";

/** The first version of MongoDB that leaves documents out of an index by `$in`. */
const PARTIAL_IN_SINCE = 6;

/** Creates an index that claims need. */
export function createIndex(index: Index, database: DatabaseFacts): Step {
  return runCommands(database.names.database, indexCreation(index, database));
}

/** The command that creates an index, as the version of the server takes it. */
export function indexCreation(
  { keys, name, partialFilterExpression }: Index,
  { names, version }: DatabaseFacts,
): Document {
  const isPartial = Number.parseInt(ifSeen(version) ?? `${PARTIAL_IN_SINCE}`) >= PARTIAL_IN_SINCE;
  return {
    createIndexes: names.source,
    indexes: [{ key: keys, name, ...(isPartial && { partialFilterExpression }) }],
  };
}
