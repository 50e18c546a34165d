import { createHash } from "node:crypto";
import { BSON, type Collection, type Document, type Filter } from "mongodb";

/** The ids of documents that hold what waits, among the entries of the agents, begin with this. */
export const BACKLOG_PREFIX = "backlog ";

/** What is counted: agents with another `FILTER` or another collection of letters count other documents. */
export interface CountedWork {
  readonly filter: Filter<Document> | undefined;
  readonly letters: Pick<Collection, "namespace">;
}

/** The id of the document that holds what waits. */
export function backlogId({ filter, letters }: CountedWork): string {
  // Not as JSON, which a processor's module may have broken by now.
  const asked = BSON.serialize({ filter: filter ?? {}, letters: letters.namespace });
  return `${BACKLOG_PREFIX}${createHash("sha256").update(asked).digest("hex").slice(0, 16)}`;
}
