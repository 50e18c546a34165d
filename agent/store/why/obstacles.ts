import type { ClaimAnswers } from "./claim_answers.ts";
import type { FoundDocument } from "./found_document.ts";
import type { Clause } from "./query_clauses.ts";
import type { FilterGap, Obstacle } from "./story.ts";
import { type StoredFacts, valueAt } from "./stored_facts.ts";

const STATUSES = ["pending", "processing", "processed", "failed", "canceled"] as const;

/** Why no query of a claim finds a document, by what the server has answered; none if one does. */
export function queryObstacles(
  { isNameable, raw }: FoundDocument,
  facts: StoredFacts,
  answers: ClaimAnswers,
): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (!isNameable) obstacles.push({ what: "unnameable_id" });
  if (answers.kindWithoutFilter === undefined) obstacles.push(...stateObstacles(facts, answers));
  // Nothing can be written into it, even if a query finds the document.
  const isForeign = facts.pull !== undefined && facts.pull.type !== "embedded document";
  if (isForeign) obstacles.push({ what: "foreign_pull" });
  // What matches as a whole matches now, even if a clause with a time in it did not a moment before.
  const gaps = answers.kind !== undefined ? [] : answers.filter
    .filter((clause) => !answers.filterMatches.get(clause))
    .flatMap((clause) => gapsIn(clause, answers.filterMatches, raw.bytes));
  if (gaps.length > 0) obstacles.push({ what: "filter", gaps });
  if (obstacles.length === 0 && answers.kind === undefined) obstacles.push({ what: "unknown" });
  return obstacles;
}

function stateObstacles(facts: StoredFacts, { matches }: ClaimAnswers): Obstacle[] {
  if (matches.pending) return dueObstacles(facts, matches.isPast);
  if (matches.processing) return leaseObstacles(facts, matches);
  return [statusObstacle(facts)];
}

function statusObstacle({ status, lookalikes }: StoredFacts): Obstacle {
  if (status?.json === '"processed"') return { what: "processed" };
  if (status?.json === '"canceled"') return { what: "canceled" };
  if (status?.json === '"failed"') return { what: "failed", letterIn: undefined };
  const spelled = status?.type === "string" ? String(JSON.parse(closed(status.json))) : undefined;
  const meant = STATUSES.find((each) => each === spelled?.trim().toLowerCase());
  return { what: "status", meant: meant ?? (status === undefined ? lookalikes[0]?.name : undefined) };
}

/** A text in JSON that may have been cut. */
function closed(json: string): string {
  return json.endsWith('"') ? json : '""';
}

function dueObstacles(facts: StoredFacts, isPast: boolean): Obstacle[] {
  const { pull, visibleAtDate: until } = facts;
  if (pull === undefined || pull.type !== "embedded document") return [];
  if (until === undefined || isPast) return [{ what: "never_due" }];
  return [{ what: "scheduled", until, because: reasonToWait(facts) }];
}

/** What last wrote the date is not on the document. */
function reasonToWait({ errors, error, snoozes }: StoredFacts): "producer" | "retry" | "snooze" | "either" {
  const hasFailed = errors.length > 0 || error !== undefined;
  if (hasFailed) return snoozes ? "either" : "retry";
  return snoozes ? "snooze" : "producer";
}

function leaseObstacles(facts: StoredFacts, { hasToken, isPast }: ClaimAnswers["matches"]): Obstacle[] {
  if (!hasToken) return [{ what: "foreign_lease" }];
  const { pull, visibleAtDate: until } = facts;
  if (pull?.type !== "embedded document") return [];
  return [until === undefined || isPast ? { what: "endless_lease" } : { what: "leased", until }];
}

/** The clauses at fault: of several that all have to match, those that do not. */
function gapsIn(clause: Clause, matches: ReadonlyMap<Clause, boolean>, bytes: Uint8Array): FilterGap[] {
  if (clause.needs === "all") {
    const missed = clause.parts.filter((part) => !matches.get(part));
    if (missed.length > 0) return missed.flatMap((part) => gapsIn(part, matches, bytes));
  }
  if (clause.needs === "none") {
    // What must not match, and does.
    return clause.parts.filter((part) => matches.get(part)).map((part) => ({
      clause: { query: { $nor: [part.query] }, needs: "none", parts: [part], path: part.path },
      found: part.path === undefined ? undefined : foundAt(bytes, part.path),
    }));
  }
  return [{ clause, found: clause.path === undefined ? undefined : foundAt(bytes, clause.path) }];
}

function foundAt(bytes: Uint8Array, path: string) {
  try {
    return valueAt(bytes, path);
  } catch {
    return undefined;
  }
}
