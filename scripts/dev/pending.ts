/**
 * Which documents of a file the agent will see.
 *
 * @module
 */

import { type Document, EJSON } from "bson";
import { UserError } from "./user_error.ts";

/** This many kinds of statuses are named, at most. */
const SHOWN = 5;

/** Whether the agent takes a document, according to its status: MongoDB also finds a value among those of an array. */
export function isPending({ status }: Document): boolean {
  return Array.isArray(status) ? status.includes("pending") : status === "pending";
}

/**
 * The sentence about documents that have a status of their own, which the agent leaves alone; undefined if all are
 * pending.
 *
 * @throws {UserError} when none of them is pending: there is nothing to do
 */
export function statusNote(documents: readonly Document[], name: string): string | undefined {
  const others = documents.filter((document) => !isPending(document));
  if (others.length === 0) return undefined;
  const counts = [...Map.groupBy(others, ({ status }) => String(EJSON.stringify(status)))]
    .map(([status, { length }]) => `${length} with ${status}`);
  const shown = counts.slice(0, SHOWN).join(", ") + (counts.length > SHOWN ? ", and others" : "");
  const mend =
    `The agent takes documents with the status "pending": take the field out of the others, such as with ` +
    "jq -c 'del(.status)', to have them processed";
  if (others.length === documents.length) {
    const none = documents.length === 1
      ? `The document of ${name} is not pending`
      : `None of the ${documents.length} documents of ${name} is pending`;
    throw new UserError(`${none}: ${shown}. ${mend}`);
  }
  const left = others.length === 1
    ? "has a status of its own and is left alone"
    : "have a status of their own and are left alone";
  return `${others.length} of ${documents.length} documents ${left}: ${shown}. ${mend}.`;
}
