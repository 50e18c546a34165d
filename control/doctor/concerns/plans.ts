import type { DatabaseFacts } from "../../../agent/store/doctor/database_facts.ts";
import type { Plan } from "../../../agent/store/doctor/plans.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { INDEXES, missingIndexes } from "../../../agent/store/indexes.ts";
import { databaseConcern, type Step } from "../concern.ts";
import { createIndex } from "../index_steps.ts";
import { byHand, runCommands } from "../steps.ts";

/** How the server would carry out the queries of the claims. */
export const plans = databaseConcern({
  name: "plans",
  doc: "how the server would carry out the queries of claims, with FILTER",
  findings: {
    filter_refused: { level: "stops", doc: "MongoDB cannot use `FILTER`: every claim fails." },
    reads_all: {
      level: "hurts",
      doc:
        "A query of the claims reads the whole collection, although there is an index, or none can be seen.",
    },
    sorts: { level: "hurts", doc: "A query of the claims reads all that is due, and sorts it." },
  },
  *look(database) {
    const { indexes, names, plans } = database;
    if (plans instanceof Unseen) {
      if (!plans.isFilterRefused) return yield plans;
      return yield {
        is: "filter_refused",
        says: plans.reason,
        steps: [byHand("correct FILTER: docs/configuration.md")],
      };
    }
    if (indexes instanceof Unseen) {
      const readsAll = plans.filter(({ stages }) => stages.includes("COLLSCAN"));
      return yield readsAll.length > 0 ? readsAllUnseen(readsAll, database) : indexes;
    }
    // Without the index there is no other plan, and that is one finding.
    if (missingIndexes(indexes).length > 0) return yield WITHOUT_INDEX;
    for (const plan of plans) {
      const { indexes: used, kind, stages } = plan;
      const what = kind.replaceAll("_", " ");
      if (stages.includes("COLLSCAN")) {
        yield {
          is: "reads_all",
          says: `The query for ${what} reads all of ${names.source}`,
          steps: forget(plan, names),
        };
      } else if (stages.includes("SORT")) {
        const by = used.length > 0 ? `goes by the index ${used.join(", ")}` : "goes by no index";
        yield {
          is: "sorts",
          says:
            `The query for ${what} ${by}, and sorts what it finds, instead of reading the index of claims in its order`,
          steps: forget(plan, names),
        };
      }
    }
  },
});

const WITHOUT_INDEX = new Unseen("an index that claims need is missing: run it again once it is there");

/** The user may not list the indexes, and the plans show that there is none: so that is found here. */
function readsAllUnseen(plans: readonly Plan[], database: DatabaseFacts) {
  const what = plans.map(({ kind }) => kind.replaceAll("_", " ")).join(", ");
  return {
    is: "reads_all" as const,
    says:
      `Queries for ${what} read all of ${database.names.source}: this user may not list the indexes, and the ` +
      "server goes by none",
    steps: INDEXES.map((index) => createIndex(index, database)),
  };
}

/** An operator may have told the server by which indexes to go, and plans of an earlier time may be kept. */
function forget({ shape }: Plan, { database, source }: { database: string; source: string }): Step[] {
  return [
    runCommands(
      database,
      { planCacheClearFilters: source, ...shape },
      { planCacheClear: source, ...shape },
    ),
    byHand("if it stays: look for query settings that name this collection, and at FILTER"),
  ];
}
