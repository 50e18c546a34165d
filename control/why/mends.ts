import type { Document } from "mongodb";
import { validDate } from "../../agent/lib/valid_date.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { fieldsFor } from "../../agent/store/why/query_clauses.ts";
import type { FilterGap, MissingStory, Obstacle, Story } from "../../agent/store/why/story.ts";
import { collectionText, databaseText, literal } from "../../agent/store/documents/mongosh_text.ts";
import { shellWord } from "../shell_word.ts";
import { admitBookkeeping } from "../validator_mend.ts";

/** A command that takes an obstacle away. */
export interface Mend {
  /** Where it is to be typed. */
  readonly tool: "mongosh" | "shell";
  readonly command: string;
}

/**
 * Starts a document over. `_pull` is not just removed: a write of an agent that held the document may still arrive, and
 * must not match.
 */
const START_OVER = [{ $unset: ["_pull"] }, { $set: { status: "pending", _pull: { visible_at: "$$NOW" } } }];

const NOT_A_DATE = { $not: { $type: "date" } };

/** No agent holds it. */
const NOT_HELD = { "_pull.token": { $exists: false } };

/**
 * The command that takes the obstacle away; undefined if no command does. If the document has changed meanwhile, none
 * undoes what an agent has done.
 */
export function mendOf(obstacle: Obstacle, story: Story): Mend | undefined {
  const update = (guard: Document, change: unknown) => updateOne(story, guard, change);
  switch (obstacle.what) {
    case "failed":
      return redrive(obstacle.letterIn, story) ?? requeue(story);
    case "never_due": {
      const date = dateMeant(story);
      if (date === undefined) return requeue(story);
      const guard = { status: "pending", "_pull.visible_at": NOT_A_DATE };
      return update(guard, { $set: { "_pull.visible_at": date } });
    }
    case "status":
    case "processed":
    case "canceled":
    case "foreign_lease":
    case "scheduled":
    case "endless_lease":
      return requeue(story);
    case "foreign_pull":
      return update(isNot("_pull", "object"), { $rename: { _pull: "pull" } });
    case "counter": {
      const field = `_pull.${obstacle.field}`;
      const guard = obstacle.isFull ? {} : isNot(field, "number");
      return update(guard, obstacle.isFull ? { $set: { [field]: 0 } } : { $unset: { [field]: "" } });
    }
    case "filter":
      return fit(obstacle.gaps, story);
    case "unnameable_id":
      return insertAnew(story);
    case "validator": {
      return mongosh(
        `${databaseText(story.database)}.runCommand(${
          literal(admitBookkeeping(story.collection, obstacle.validator))
        })`,
      );
    }
    case "unique_index": {
      if (obstacle.isHeld) return undefined;
      const holder = { _id: obstacle.holderId, status: "processing", "_pull.token": { $exists: false } };
      const pending = { $set: { status: "pending" } };
      return mongosh(`${at(story)}.updateOne(${literal(holder)}, ${literal(pending)})`);
    }
    case "leased":
    case "in_range":
    case "too_large":
    case "unknown":
      return undefined;
  }
}

/** The command that cancels a document. */
export function cancelOf({ id }: Story): Mend {
  const typed = formatId(id);
  const operand = typed.startsWith("-") ? `-- ${shellWord(typed)}` : shellWord(typed);
  return { tool: "shell", command: `pulling-agent cancel ${operand}` };
}

/** The command that brings a deleted document back from its letter; undefined if the letter has no copy of it. */
export function restoreOf(
  { database, collection, lettersCollection, letter }: MissingStory,
): Mend | undefined {
  if (!letter?.letters.own?.hasCopy) return undefined;
  const again = { status: "pending", _pull: { visible_at: "$$NOW" } };
  const stages = [
    { $match: { _id: letter.id } },
    { $replaceWith: { $mergeObjects: ["$document", again] } },
    { $merge: { into: collection, whenMatched: "keepExisting" } },
  ];
  return mongosh(`${collectionText(database, lettersCollection)}.aggregate(${literal(stages)}).toArray()`);
}

/** Matches a field that is not of a type. An array is of the type of each of its values, too. */
function isNot(field: string, type: string): Document {
  return { $or: [{ [field]: { $type: "array" } }, { [field]: { $not: { $type: type } } }] };
}

function mongosh(command: string): Mend {
  return { tool: "mongosh", command };
}

function at({ database, collection }: Story): string {
  return collectionText(database, collection);
}

function updateOne(story: Story, guard: Document, change: unknown): Mend {
  return mongosh(
    `${at(story)}.updateOne(${literal({ ...selectorOf(story), ...guard })}, ${literal(change)})`,
  );
}

/** If no value names its `_id`, the server finds the document by a number that it makes of it. */
function selectorOf({ id, isNameable, selector }: Story): Document {
  return isNameable ? { _id: id } : selector;
}

/** A document that no agent has touched stays as its producer made it. */
function toPending({ facts: { pull } }: Story): unknown {
  return pull?.type === "embedded document" ? START_OVER : { $set: { status: "pending" } };
}

/** A redrive keeps the errors of the earlier runs. */
function redrive(letterIn: string | undefined, { id, letters }: Story): Mend | undefined {
  const stands = letters.own?.stands ?? false;
  if (!stands && letterIn === undefined) return undefined;
  const place = stands ? "" : `DEAD_LETTER_COLLECTION=${shellWord(letterIn!)} `;
  return { tool: "shell", command: `${place}pulling-agent dead-letters redrive ${idOption(id)}` };
}

/** A requeue writes no document that no query can name, nor one whose `_pull` would be lost. */
function requeue(story: Story): Mend {
  const { facts: { pull }, id, isNameable } = story;
  const isForeign = pull !== undefined && pull.type !== "embedded document";
  if (!isNameable || isForeign) return updateOne(story, NOT_HELD, toPending(story));
  return { tool: "shell", command: `pulling-agent requeue ${idOption(id)}` };
}

function idOption(id: unknown): string {
  const typed = formatId(id);
  return typed.startsWith("-") ? shellWord(`--id=${typed}`) : `--id ${shellWord(typed)}`;
}

/** The date that a text seems to mean. */
function dateMeant({ facts: { visibleAt } }: Story): Date | undefined {
  const isText = visibleAt?.type === "string" && /^"\d{4}-\d\d-\d\d/.test(visibleAt.json);
  const date = isText ? new Date(JSON.parse(visibleAt.json)) : undefined;
  return validDate(date);
}

/** Sets the fields that `FILTER` asks for, if it tells their values. */
function fit(gaps: readonly FilterGap[], story: Story): Mend | undefined {
  const wanted = gaps.map(({ clause, found }) => found?.type === "array" ? undefined : fieldsFor(clause));
  if (wanted.includes(undefined)) return undefined;
  const fields = new Map(wanted.flatMap((each) => [...each!]));
  const paths = [...fields.keys()];
  const isNested = paths.some((path) => paths.some((other) => other.startsWith(`${path}.`)));
  if (isNested || paths.some((path) => path === "_id" || path.startsWith("_id."))) return undefined;
  const set = Object.fromEntries([...fields].filter(([, value]) => value !== undefined));
  const unset = Object.fromEntries(
    [...fields].filter(([, value]) => value === undefined).map(([path]) => [path, ""]),
  );
  const change = {
    ...(Object.keys(set).length > 0 && { $set: set }),
    ...(Object.keys(unset).length > 0 && { $unset: unset }),
  };
  return updateOne(story, {}, change);
}

/** The server copies the document under another `_id`, byte for byte, and then removes the first one. */
function insertAnew(story: Story): Mend {
  const { collection, selector } = story;
  const stages = [{ $match: selector }, { $set: { _id: { $literal: "NEW ID" } } }, {
    $merge: { into: collection, whenMatched: "fail" },
  }];
  const copy = literal(stages).replace(`{ $literal: "NEW ID" }`, "ObjectId()");
  return mongosh(
    `${at(story)}.aggregate(${copy}).toArray(); ${at(story)}.deleteOne(${literal(selector)})`,
  );
}
