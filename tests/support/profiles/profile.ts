/**
 * What a server that is compatible with MongoDB does otherwise than MongoDB, as rows of data.
 *
 * @module
 */

import type { Document } from "bson";

/**
 * How it is known: it was seen on the real server and published; it stands in the source of the server; the makers'
 * documents say so; or it is assumed from something alike that was seen.
 */
export type Basis = "seen" | "source" | "documented" | "assumed";

/** A command of a client. */
export interface Command {
  readonly name: string;
  readonly collection: string;
  /** With its lists of documents. For `explain`, the command that is explained. */
  readonly body: Document;
}

/** What a server answers to what it does not know. */
export interface Refusal {
  readonly code: number;
  /** Some servers send none. */
  readonly codeName?: string;
  /** `{}` stands for what the condition has found. */
  readonly errmsg: string;
}

/** What a server remembers. */
export interface ServerMemory {
  /** Collections whose changes may be followed, as `database.collection`. */
  readonly streams: Set<string>;
  /** Collections on which an index is being built, likewise. */
  readonly building: Set<string>;
}

/** One difference. */
export interface Row {
  /** As the table of servers tells it: what is missing or other. */
  readonly what: string;
  readonly basis: Basis;
  /** The document, the report or the file of the server's source. */
  readonly source: string;
  /** How it shows. */
  readonly shows: Difference;
}

/** How a difference shows. What a condition returns, if it is met, is named in the refusal. */
export type Difference =
  /** The command fails as a whole. */
  | { refuses: Condition<Command>; with: Refusal }
  /** One write of a command fails: an entry of `writeErrors`. Nothing of the command is applied. */
  | { refusesWrite: Condition<Document>; with: Refusal }
  /** The server answers by itself. */
  | { answers: (command: Command, memory: ServerMemory) => Document | undefined }
  /** The server does not look at this field of a write. */
  | { ignores: string }
  /** Another command is meant by it. */
  | { means: (command: Command) => Document | undefined };

type Condition<T> = (it: T, memory: ServerMemory) => string | boolean | undefined;

/** A server. */
export interface Profile {
  /** In lower case, with hyphens. */
  readonly name: string;
  /** As people know it. */
  readonly title: string;
  /** What a driver learns of it; `address` is where it is in reach. */
  hello(real: Document, address: string): Document;
  /** The answer to `buildInfo`. */
  readonly buildInfo: Document;
  /** Fields of all answers that only MongoDB sends. */
  readonly hides: ReadonlySet<string>;
  readonly rows: readonly Row[];
  /** What its users have to put into the connection string. */
  readonly uriOptions: string;
}

/** Fields of answers that come from MongoDB's own replication. */
export const CLUSTER_TIME: ReadonlySet<string> = new Set(["$clusterTime", "operationTime"]);

/** The parts of a command that are queries or expressions. */
export function queriesOf({ name, body }: Command): readonly unknown[] {
  switch (name) {
    case "find":
      return [body.filter, body.projection];
    case "count":
    case "distinct":
      return [body.query];
    case "aggregate":
      return body.pipeline;
    case "findAndModify":
      return [body.query, body.fields];
    case "update":
      return (body.updates as Document[]).map(({ q }) => q);
    case "delete":
      return (body.deletes as Document[]).map(({ q }) => q);
    default:
      return [];
  }
}

/** Whether a query or an expression has a variable such as `$$NOW`. */
export function hasVariable(part: unknown, variable: string): boolean {
  return some(part, (value) => value === variable || String(value).startsWith(`${variable}.`));
}

/** Which of some operators a query or an expression has. */
export function operatorIn(part: unknown, operators: ReadonlySet<string>): string | undefined {
  let found: string | undefined;
  some(part, (_, name) => {
    if (!operators.has(name)) return false;
    found = name;
    return true;
  });
  return found;
}

/** Which of some stages a pipeline has. */
export function stageIn({ name, body }: Command, stages: ReadonlySet<string>): string | undefined {
  if (name !== "aggregate") return undefined;
  return (body.pipeline as Document[]).map((stage) => Object.keys(stage)[0]!).find((stage) =>
    stages.has(stage)
  );
}

/** Which operator of the index that a command makes is none of those that are allowed in a partial index. */
export function operatorOfPartialIndex(
  { name, body }: Command,
  allowed: ReadonlySet<string>,
): string | undefined {
  if (name !== "createIndexes") return undefined;
  let found: string | undefined;
  some((body.indexes as Document[]).map((index) => index.partialFilterExpression), (_, operator) => {
    if (!operator.startsWith("$") || allowed.has(operator)) return false;
    found = operator;
    return true;
  });
  return found;
}

/** Looks at every value in documents and lists, with the name of its field; values under `$literal` are only data. */
function some(part: unknown, test: (value: unknown, name: string) => boolean, name = ""): boolean {
  if (test(part, name)) return true;
  if (Array.isArray(part)) return part.some((each) => some(each, test));
  if (part === null || typeof part !== "object" || Object.getPrototypeOf(part) !== Object.prototype) {
    return false;
  }
  return Object.entries(part).some(([field, value]) => field !== "$literal" && some(value, test, field));
}
