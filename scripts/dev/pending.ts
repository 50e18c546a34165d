/**
 * Which documents of a file the agent will see.
 *
 * @module
 */

import type { Document } from "bson";
import { UserError } from "./user_error.ts";

/** Kinds of statuses that are named at the most. */
const SHOWN = 5;

/**
 * What to say of documents that bring a status of their own, which the agent leaves alone; undefined when all are pending.
 *
 * @throws {UserError} when none of them is pending: there is nothing to do
 */
export function statusNote(documents: readonly Document[], name: string): string | undefined {
  const others = documents.filter(({ status }) => status !== "pending");
  if (others.length === 0) return undefined;
  const counts = [...Map.groupBy(others, ({ status }) => String(JSON.stringify(status)))]
    .map(([status, { length }]) => `${length} with ${status}`);
  const shown = counts.slice(0, SHOWN).join(", ") + (counts.length > SHOWN ? ", and others" : "");
  const mend =
    `The agent takes documents with the status "pending": take the field out of the others, such as with ` +
    "jq -c 'del(.status)', to have them processed";
  if (others.length === documents.length) {
    throw new UserError(`None of the ${documents.length} documents of ${name} is pending: ${shown}. ${mend}`);
  }
  return `${others.length} of ${documents.length} documents bring a status of their own and are left alone: ${shown}. ${mend}.`;
}
