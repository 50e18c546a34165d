import type { DatabaseFacts } from "../../../agent/store/doctor/database_facts.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { inTheWayText, isHidden, type MissingIndex, missingIndexes } from "../../../agent/store/indexes.ts";
import { databaseConcern, type Step } from "../concern.ts";
import { ifSeen } from "../examined.ts";
import { createIndex, indexCreation } from "../index_steps.ts";
import { runCommands } from "../steps.ts";

/** The two indexes that claims need. */
export const indexes = databaseConcern({
  name: "indexes",
  doc: "the two indexes that claims need",
  findings: {
    index_missing: { level: "hurts", doc: "Each claim reads the whole collection." },
    index_to_come: { level: "note", doc: "The agent creates the index when it starts." },
    index_in_the_way: {
      level: "hurts",
      doc:
        "Another index has the name of the one that claims need, or it is hidden: the agent does not touch it.",
    },
  },
  *look(database, { settings: { ensureIndexes } }) {
    const { indexes, names, source, user } = database;
    if (indexes instanceof Unseen) return yield indexes;
    // A collection that does not exist is found by its own concern.
    if (indexes.length === 0 && source === undefined) return;
    const on = { database: names.database, collection: names.source };
    const mayMake = ensureIndexes && (ifSeen(user)?.may("createIndex", on) ?? true);
    for (const missing of missingIndexes(indexes)) {
      const says = `${names.database}.${names.source} has no index that claims can go by on ${
        JSON.stringify(missing.index.keys)
      }`;
      if (missing.rival) {
        yield {
          is: "index_in_the_way",
          says: `In ${names.source}: ${inTheWayText(missing)}`,
          steps: [clear(missing, database)],
        };
      } else if (mayMake) {
        yield {
          is: "index_to_come",
          says:
            `${says}${
              similarText(missing)
            }: the agent creates it when it starts, which takes long on a large ` +
            "collection",
          steps: [createIndex(missing.index, database)],
        };
      } else {
        const why = ensureIndexes ? "this user may create none" : "ENSURE_INDEXES is false";
        yield {
          is: "index_missing",
          says: `${says}${similarText(missing)}, and ${why}`,
          steps: [createIndex(missing.index, database)],
        };
      }
    }
  },
});

function similarText({ similar }: MissingIndex): string {
  if (similar === undefined) return "";
  const what = similar.collation ? `the collation ${similar.collation.locale}` : "other options";
  return ` (${similar.name} has these keys, and ${what})`;
}

/** Shows an index that is hidden; replaces any other that has the name. */
function clear(missing: MissingIndex, database: DatabaseFacts): Step {
  const { names } = database;
  const { name } = missing.rival!;
  return isHidden(missing)
    ? runCommands(names.database, { collMod: names.source, index: { name, hidden: false } })
    : runCommands(
      names.database,
      { dropIndexes: names.source, index: name },
      indexCreation(missing.index, database),
    );
}
