import type { Document, EffectWrite } from "../../ports.ts";
import { kindOf } from "../kind_of.ts";
import { resultRefusal } from "../result_refusal.ts";
import { isSameId } from "./same_id.ts";
import { isDocument } from "./write_shape.ts";

/** Fields by which agents know what is to be done with a document. */
const OUTCOME_FIELDS = ["status", "processed_at", "error"];

/**
 * Checks a write to the collection that the agent pulls from, in which other documents may be held by agents. `id` is
 * that of the processor's own document.
 *
 * @throws {PermanentError} If it writes that document, a field that only agents write, or may take a document away from
 * an agent.
 */
export function checkInSource(write: EffectWrite, place: string, id: unknown): void {
  if ("insertOne" in write) return checkWhole(write.insertOne, `${place}.insertOne`, id);
  if ("deleteOne" in write) {
    const { filter } = write.deleteOne;
    refuseOwn(filter, `${place}.deleteOne`, id);
    return needStatus(filter, `${place}.deleteOne deletes a document`);
  }
  if ("replaceOne" in write) {
    const { filter, replacement } = write.replaceOne;
    refuseOwn(filter, `${place}.replaceOne`, id);
    checkWhole(replacement, `${place}.replaceOne.replacement`, id);
    return needStatus(filter, `${place}.replaceOne replaces a document`);
  }
  const { filter, update, upsert } = write.updateOne;
  const at = `${place}.updateOne`;
  refuseOwn(filter, at, id);
  if (upsert) refuseUpserted(filter, at);
  checkUpdate(update, filter, at);
}

function refuseOwn(filter: Document, place: string, id: unknown): void {
  const asked: unknown = filter._id;
  const ids = isDocument(asked)
    ? [asked, asked.$eq, ...(Array.isArray(asked.$in) ? asked.$in : [])]
    : [asked];
  if (!Object.hasOwn(filter, "_id") || !ids.some((each) => isSameId(each, id))) return;
  throw resultRefusal(
    `${place}.filter names the document that is being processed: write its fields by "set", { set: { ... } }`,
  );
}

/** A document that is written as a whole. */
function checkWhole(document: Document, place: string, id: unknown): void {
  if (Object.hasOwn(document, "_id") && isSameId(document._id, id)) {
    throw resultRefusal(
      `${place}._id is that of the document that is being processed: leave it out, or give the new document another`,
    );
  }
  const dotted = Object.keys(document).find((name) => name.startsWith("_pull."));
  if (dotted !== undefined) {
    throw resultRefusal(
      `${place} has ${JSON.stringify(dotted)}: to have it processed later, write _pull: { visible_at: DATE }`,
    );
  }
  refuseProcessing(document.status, `${place}.status`);
  if (document._pull !== undefined) checkSchedule(document._pull, `${place}._pull`);
}

/** All that a new document may have of the agents' own: when it is due. */
function checkSchedule(pull: unknown, place: string): void {
  if (!isDocument(pull) || Object.keys(pull).join() !== "visible_at") {
    throw resultRefusal(
      `${place} belongs to the agents: it may hold nothing but visible_at, the date from which the document is due`,
    );
  }
  checkDue(pull.visible_at, `${place}.visible_at`);
}

function checkDue(due: unknown, place: string): void {
  if (!(due instanceof Date)) {
    throw resultRefusal(`${place} must be a date, from which the document is due, not ${kindOf(due)}`);
  }
}

function refuseProcessing(status: unknown, place: string): void {
  if (status !== "processing") return;
  throw resultRefusal(
    `${place} is "processing", and no agent would hold the document: write "pending" to have it processed`,
  );
}

/** What a filter names by equality is inserted if nothing matches. */
function refuseUpserted(filter: Document, place: string): void {
  if (Object.keys(filter).some((name) => rootOf(name) === "_pull")) {
    throw resultRefusal(
      `${place}.filter names "_pull", which an upsert would insert: leave one of the two out`,
    );
  }
  refuseProcessing(filter.status, `${place}.filter.status`);
}

function checkUpdate(update: Document | readonly Document[], filter: Document, place: string): void {
  const changes = Array.isArray(update)
    ? changesOfStages(update, `${place}.update`)
    : changesOf(update, `${place}.update`);
  const names = new Set(changes.map(([name]) => rootOf(name)));
  if (names.has("_pull")) {
    throw resultRefusal(`${place}.update changes "_pull", which belongs to the agents: leave it out`);
  }
  const field = OUTCOME_FIELDS.find((name) => names.has(name));
  if (field === undefined) return;
  needStatus(filter, `${place} changes "${field}"`);
  const statuses = changes.filter(([name]) => name === "status").map(([, value]) => value);
  for (const status of statuses) refuseProcessing(status, `${place}.update's status`);
  const ended = statusesIn(filter)?.find((status) => status === "processed" || status === "failed");
  if (ended === undefined || !statuses.includes("pending")) return;
  throw resultRefusal(
    `${place} sets a ${ended} document back to "pending", and its "_pull" would keep it from being processed: ` +
      "insert a new document, or use replaceOne",
  );
}

/** A field that is changed, and the value that it gets, if that is known. */
type Change = [name: string, value?: unknown];

function changesOf({ $setOnInsert, ...update }: Document, place: string): Change[] {
  // No document has these yet.
  for (const [name, value] of Object.entries($setOnInsert ?? {})) {
    if (name === "status") refuseProcessing(value, `${place}.$setOnInsert.status`);
    if (name === "_pull.visible_at") checkDue(value, `${place}.$setOnInsert.${name}`);
    else if (rootOf(name) === "_pull") checkSchedule(value, `${place}.$setOnInsert.${name}`);
  }
  return Object.entries(update).flatMap(([operator, fields]) =>
    Object.entries(fields as Document).flatMap(([name, value]): Change[] =>
      operator === "$rename" ? [[name], [String(value)]] : [[name, value]]
    )
  );
}

function changesOfStages(stages: readonly Document[], place: string): Change[] {
  return stages.flatMap((stage): Change[] => {
    const [operator, fields] = Object.entries(stage)[0]!;
    if (operator === "$unset") return [fields].flat().map((name): Change => [String(name)]);
    if (["$set", "$addFields"].includes(operator) && isDocument(fields)) return Object.entries(fields);
    throw resultRefusal(
      `${place} has ${operator}, which may change fields of the agents: use $set and $unset in the collection ` +
        "that this agent pulls from",
    );
  });
}

/** An agent may be at work on a document of any other status than those that the filter names. */
function needStatus(filter: Document, what: string): void {
  const statuses = statusesIn(filter);
  if (statuses !== undefined && !statuses.includes("processing")) return;
  throw resultRefusal(
    `${what} in the collection that this agent pulls from, and an agent may be at work on it: ` +
      'name in the filter the status that it has, such as status: "pending" (not "processing")',
  );
}

/** The statuses that a filter names; undefined if it may match others. */
function statusesIn({ status }: Document): readonly string[] | undefined {
  const [[operator, asked] = ["", undefined], ...more] = isDocument(status) ? Object.entries(status) : [
    ["$eq", status],
  ];
  if (more.length > 0 || !["$eq", "$in"].includes(operator)) return undefined;
  const named: unknown[] = [asked].flat();
  return named.length > 0 && named.every((each) => typeof each === "string") ? named : undefined;
}

function rootOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? name : name.slice(0, dot);
}
