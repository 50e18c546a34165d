import type { Document, EffectWrite } from "../../ports.ts";
import { isPlain } from "../exact_copy.ts";
import { kindOf } from "../kind_of.ts";
import { resultRefusal } from "../result_refusal.ts";
import { meantKind } from "./near_writes.ts";

/** What a part of a write must be. */
interface Part {
  readonly isOptional?: boolean;
  /** What is wrong with its value, as the end of a sentence; undefined if it is right. */
  problem(value: unknown): string | undefined;
}

const FILTER: Part = {
  problem: (value) => isDocument(value) ? scriptProblem(value) : "must be an object of conditions",
};
const UPSERT: Part = {
  isOptional: true,
  problem: (value) => typeof value === "boolean" ? undefined : "must be true or false",
};

/** The kinds of writes, and their parts. */
const PARTS: Record<string, Record<string, Part>> = {
  insertOne: {},
  updateOne: { filter: FILTER, update: { problem: updateProblem }, upsert: UPSERT },
  replaceOne: { filter: FILTER, replacement: { problem: replacementProblem }, upsert: UPSERT },
  deleteOne: { filter: FILTER },
};

const KINDS = Object.keys(PARTS);

/** How a write looks, for messages. */
const EXAMPLES: Record<string, string> = {
  insertOne: "{ collection, insertOne: { ... } }",
  updateOne: "{ collection, updateOne: { filter: { ... }, update: { $set: { ... } } } }",
  replaceOne: "{ collection, replaceOne: { filter: { ... }, replacement: { ... } } }",
  deleteOne: "{ collection, deleteOne: { filter: { ... } } }",
};

/**
 * The write that an entry of `writes` is. The entry is a copy, which nothing else can change.
 *
 * @throws {PermanentError} If it is none; the message names its place.
 */
export function writeOf(entry: unknown, place: string): EffectWrite {
  if (!isDocument(entry)) {
    throw resultRefusal(
      `${place} must be an object such as ${EXAMPLES.insertOne}, not ${kindOf(entry)}`,
    );
  }
  const kind = kindIn(entry, place);
  const { collection } = entry;
  if (collection === undefined || collection === null || collection === "") {
    throw resultRefusal(`${place} has no "collection": name the one that is written to`);
  }
  if (typeof collection !== "string") {
    throw resultRefusal(`${place}.collection must be a text, not ${kindOf(collection)}`);
  }
  const asked = entry[kind];
  if (!isDocument(asked)) {
    throw resultRefusal(`${place}.${kind} must be an object, as in ${EXAMPLES[kind]}, not ${kindOf(asked)}`);
  }
  if (kind === "insertOne") checkInserted(asked, `${place}.insertOne`);
  else checkParts(asked, kind, `${place}.${kind}`);
  return entry as EffectWrite;
}

/** The one kind that an entry names. */
function kindIn(entry: Document, place: string): string {
  const names = Object.keys(entry).filter((name) => name !== "collection");
  const kinds = names.filter((name) => KINDS.includes(name));
  if (kinds.length > 1) {
    throw resultRefusal(`${place} has "${kinds[0]}" and "${kinds[1]}": make two writes of it`);
  }
  const other = names.find((name) => !KINDS.includes(name));
  if (other !== undefined) {
    const meant = meantKind(other);
    const mend = other === "upsert"
      ? `it belongs into updateOne or replaceOne`
      : meant !== undefined
      ? `write ${EXAMPLES[meant]}${other.endsWith("Many") ? ", one for each document" : ""}`
      : `a write has "collection" and one of ${KINDS.join(", ")}`;
    throw resultRefusal(`${place} has ${quoted(other)}, which means nothing to the agent: ${mend}`);
  }
  const [kind] = kinds;
  if (kind === undefined) {
    throw resultRefusal(`${place} does not say what to write: add one of ${KINDS.join(", ")}`);
  }
  return kind;
}

function checkInserted(document: Document, place: string): void {
  const names = Object.keys(document);
  const operator = names.find((name) => name.startsWith("$"));
  if (operator !== undefined) {
    throw resultRefusal(
      `${place} has ${
        quoted(operator)
      }, and it is the document itself that is inserted: write its fields there`,
    );
  }
  if (names.length === 1 && names[0] === "document" && isDocument(document.document)) {
    throw resultRefusal(
      `${place} has nothing but "document": write the fields themselves, as in ${EXAMPLES.insertOne}`,
    );
  }
}

function checkParts(asked: Document, kind: string, place: string): void {
  const parts = PARTS[kind]!;
  for (const [name, { isOptional, problem }] of Object.entries(parts)) {
    const value = asked[name];
    if (value === undefined || value === null) {
      if (isOptional) {
        delete asked[name];
        continue;
      }
      throw resultRefusal(`${place} has no "${name}": write ${EXAMPLES[kind]}`);
    }
    const wrong = problem(value);
    if (wrong !== undefined) throw resultRefusal(`${place}.${name} ${wrong}`);
  }
  const other = Object.keys(asked).find((name) => !Object.hasOwn(parts, name));
  if (other !== undefined) {
    throw resultRefusal(
      `${place} has ${quoted(other)}, which means nothing to the agent: it takes ${
        Object.keys(parts).join(", ")
      }`,
    );
  }
}

function updateProblem(update: unknown): string | undefined {
  if (Array.isArray(update)) return pipelineProblem(update);
  if (!isDocument(update)) return "must be an object of operators such as { $set: { ... } }, or an array";
  const names = Object.keys(update);
  const plain = names.find((name) => !name.startsWith("$"));
  if (names.length === 0 || plain !== undefined) {
    const what = plain === undefined ? "has no operator" : `has ${quoted(plain)}, which is not an operator`;
    return `${what}: write { $set: { ... } }, or use replaceOne for a whole document`;
  }
  const operator = names.find((name) => !isDocument(update[name]));
  return operator && `has ${operator}, which takes an object of fields, not ${kindOf(update[operator])}`;
}

function pipelineProblem(stages: readonly unknown[]): string | undefined {
  const isStage = (stage: unknown) =>
    isDocument(stage) && Object.keys(stage).length === 1 && Object.keys(stage)[0]!.startsWith("$");
  if (stages.length === 0 || !stages.every(isStage)) {
    return "must be an array of stages, each with one operator, as in [{ $set: { ... } }]";
  }
  return scriptProblem(stages);
}

function replacementProblem(replacement: unknown): string | undefined {
  if (!isDocument(replacement)) return "must be an object, the whole document";
  const operator = Object.keys(replacement).find((name) => name.startsWith("$"));
  return operator && `has ${quoted(operator)}, and it is the whole document: use updateOne for operators`;
}

/** Operators that run JavaScript in the server. */
const SCRIPTS = ["$where", "$function", "$accumulator"];

function scriptProblem(value: unknown): string | undefined {
  if (Array.isArray(value)) return firstOf(value);
  if (!isDocument(value)) return undefined;
  const script = SCRIPTS.find((name) => Object.hasOwn(value, name));
  if (script !== undefined) {
    return `uses ${script}, which runs JavaScript in the server: use other operators`;
  }
  return firstOf(Object.values(value));
}

function firstOf(values: readonly unknown[]): string | undefined {
  for (const value of values) {
    const problem = scriptProblem(value);
    if (problem !== undefined) return problem;
  }
}

/** Whether it is an object of fields, and no list or value of a type. */
export function isDocument(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value) && isPlain(value);
}

/** A name in a message is cut to so many characters. */
const MAX_NAME = 80;

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, MAX_NAME));
}
