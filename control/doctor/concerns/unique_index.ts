import type { Document } from "mongodb";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { databaseConcern, type Step } from "../concern.ts";
import { runCommands } from "../steps.ts";

/** States in which documents stay. */
const FINISHED = ["processed", "failed"];

/** Unique indexes that do not go with documents that are done. */
export const uniqueIndex = databaseConcern({
  name: "unique index",
  doc: "unique indexes that let only one document be processed",
  findings: {
    one_processed: {
      level: "hurts",
      doc:
        "A unique index on `status` lets one document of a key be processed: the outcomes of others are refused.",
    },
  },
  *look({ indexes, names }) {
    if (indexes instanceof Unseen) return yield indexes;
    for (const index of indexes.filter(({ key, unique }) => unique && "status" in key)) {
      if (FINISHED.every((status) => !holds(index, status))) continue;
      const others = Object.keys(index.key).filter((name) => name !== "status");
      const each = others.length > 0 ? ` for each value of ${others.join(", ")}` : "";
      yield {
        is: "one_processed",
        says: `The unique index ${index.name} of ${names.source} lets one document be processed${each}: ` +
          "MongoDB refuses the outcomes of all others",
        steps: [forWaiting(index, names.source, names.database)],
      };
    }
  },
});

/** Whether the index has documents of a status. */
function holds({ partialFilterExpression: part }: Document, status: string): boolean {
  const wanted = part?.status;
  if (wanted === undefined) return true;
  const statuses = wanted?.$in ?? [wanted?.$eq ?? wanted];
  // A condition of another kind may match: it is taken for one that does.
  return statuses.some((each: unknown) => typeof each !== "string" || each === status);
}

/** The same index without documents that are done. Until it is there, the one that exists stays. */
function forWaiting(
  { collation, key, name, partialFilterExpression }: Document,
  collection: string,
  database: string,
): Step {
  const partial = { ...partialFilterExpression, status: { $in: ["pending", "processing"] } };
  const index = {
    key,
    name: `${name}_waiting`,
    unique: true,
    // Otherwise it would get that of the collection, and other keys would count as the same.
    collation: collation ?? { locale: "simple" },
    partialFilterExpression: partial,
  };
  return runCommands(database, { createIndexes: collection, indexes: [index] }, {
    dropIndexes: collection,
    index: name,
  });
}
