import { secrets } from "./redact.ts";

/** This much of a server's text is passed on, in UTF-16 units. */
const MAX_SERVER_TEXT = 500;
/** Fields that a validator refuses, named in one text at most. */
const MAX_FIELDS = 10;
/** Documents within documents that are searched for them. */
const MAX_DEPTH = 12;

/**
 * A server's error text, without the values it quotes from documents: more people read logs and status files than
 * documents. Undefined for errors that are not the server's. The error of a bulk write has a class of its own, whose
 * JSON would hold the whole write.
 */
export function serverText(error: object): string | undefined {
  const { code, errInfo, errmsg, message, name } = error as Record<string, unknown>;
  const isOfServer = typeof name === "string" && name.startsWith("Mongo") && code !== undefined;
  const text = typeof errmsg === "string" && code !== undefined ? errmsg : isOfServer ? message : undefined;
  if (typeof text !== "string" || !text) return undefined;
  const fields = refusedFields(errInfo);
  const which = fields.length > 0 ? ` (fields: ${fields.join(", ")})` : "";
  return secrets.text(
    (ABOUT_INDEXES.has(Number(code)) ? text : withoutValues(text)) + which +
      (Number(code) === UNAUTHORIZED ? missingRight(text) : ""),
    MAX_SERVER_TEXT,
  );
}

const UNAUTHORIZED = 13;

/** The actions that a user needs for the agent's commands. */
const ACTIONS: Record<string, string> = {
  count: "find",
  createIndexes: "createIndex",
  delete: "remove",
  find: "find",
  findAndModify: "find and update",
  getMore: "find",
  insert: "insert",
  listCollections: "listCollections",
  listIndexes: "listIndexes",
  update: "update",
};

/**
 * How to mend a missing right: the action, and its collection; empty if the server does not name what was asked for.
 */
function missingRight(text: string): string {
  const [, database] = /^not authorized on (\S+) to execute command /.exec(text) ?? [];
  const [, command = "", collection] = COMMAND.exec(text) ?? [];
  if (database === undefined) return "";
  const role = `as the role readWrite on ${database} does`;
  // This aggregate reads one collection and may write to another: the server does not tell which right is missing.
  if (command === "aggregate" && collection !== undefined) {
    return `: grant the user find on ${database}.${collection}, and find, insert and update on the collection of dead ` +
      `letters, ${role}`;
  }
  const action = ACTIONS[command];
  if (action === undefined) return "";
  const where = collection === undefined ? `the database ${database}` : `${database}.${collection}`;
  return `: grant the user ${action} on ${where}, ${role}`;
}

/** Refusals of an index: they quote index definitions, and no values of a document. */
const ABOUT_INDEXES = new Set([67, 85, 86, 197]);

/** The command that was refused, and its collection: they hold no values, and tell which right is missing. */
const COMMAND = /\bto execute command \{ ([A-Za-z]+): (?:"([^"\\{}]*)")?/;

function withoutValues(text: string): string {
  const [from, to] = [text.indexOf("{"), text.lastIndexOf("}")];
  if (from < 0) return unquoted(text);
  const [, command, collection] = COMMAND.exec(text) ?? [];
  const named = command === undefined
    ? "{...}"
    : `{ ${command}: ${collection === undefined ? "..." : `"${collection}", ...`} }`;
  // Documents are in braces, and may contain anything, also braces.
  return unquoted(text.slice(0, from)) + named + (to > from ? unquoted(text.slice(to + 1)) : "");
}

function unquoted(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"?/g, '"..."');
}

/** The names of the fields that a validator refuses, from the details of its answer, which hold the values as well. */
function refusedFields(details: unknown): string[] {
  const found = new Set<string>();
  const search = (value: unknown, depth: number): void => {
    if (typeof value !== "object" || value === null || depth > MAX_DEPTH || found.size >= MAX_FIELDS) return;
    const { propertyName, missingProperties, additionalProperties } = value as Record<string, unknown>;
    const names = [propertyName, ...list(missingProperties), ...list(additionalProperties)];
    for (const name of names) if (typeof name === "string") found.add(name);
    for (const [key, each] of Object.entries(value)) if (!VALUES.has(key)) search(each, depth + 1);
  };
  search(details, 0);
  return [...found].slice(0, MAX_FIELDS);
}

/** Parts of the details that quote the document or the validator. */
const VALUES = new Set(["consideredValue", "consideredValues", "specifiedAs", "failingDocumentId"]);

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
