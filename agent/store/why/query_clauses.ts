import { BSON, type Document, type Filter } from "mongodb";

/** A part of a query, and what has to be true of its own parts. */
export interface Clause {
  readonly query: Filter<Document>;
  /** How many of its parts have to match; a leaf has none. */
  readonly needs: "all" | "any" | "none" | "itself";
  readonly parts: readonly Clause[];
  /** The path that a leaf asks for, if it asks for one. */
  readonly path: string | undefined;
}

/** Parts of a query, at most: each is asked about by a query of its own. */
const MAX_PARTS = 200;

/** Operators that make one condition together with their neighbours. */
const INSEPARABLE = new Set(["$options", "$maxDistance", "$minDistance"]);
const COMBINING: Record<string, Clause["needs"]> = { $and: "all", $or: "any", $nor: "none" };

/** Takes a query apart into clauses that can be asked about one by one. All of them match if the query does. */
export function clausesOf(query: Filter<Document>): readonly Clause[] {
  return Object.entries(query).flatMap(([name, value]) => clausesOfField(name, value));
}

/** All clauses, those within others too, at most {@linkcode MAX_PARTS}. */
export function allOf(clauses: readonly Clause[]): Clause[] {
  return clauses.flatMap((clause) => [clause, ...allOf(clause.parts)]).slice(0, MAX_PARTS);
}

function clausesOfField(name: string, value: unknown): Clause[] {
  if (name === "$comment") return [];
  const needs = Object.hasOwn(COMBINING, name) ? COMBINING[name] : undefined;
  if (needs !== undefined && Array.isArray(value)) {
    const parts = value.map((part: Filter<Document>): Clause => {
      const clauses = clausesOf(part);
      return clauses.length === 1
        ? clauses[0]!
        : { query: part, needs: clauses.length > 0 ? "all" : "itself", parts: clauses, path: undefined };
    });
    if (needs === "all") return parts;
    return [{ query: { [name]: value }, needs, parts, path: undefined }];
  }
  if (name.startsWith("$")) return [leaf({ [name]: value }, undefined)];
  const operators = operatorsOf(value);
  if (operators === undefined || operators.length < 2 || operators.some(([each]) => INSEPARABLE.has(each))) {
    return [leaf({ [name]: value }, name)];
  }
  // On an array, each operator may be met by another of its values: as one condition each, they ask the same.
  return operators.map(([operator, operand]) => leaf({ [name]: { [operator]: operand } }, name));
}

function leaf(query: Filter<Document>, path: string | undefined): Clause {
  return { query, needs: "itself", parts: [], path };
}

/** The operators of a condition; undefined if the condition is a value. */
function operatorsOf(value: unknown): [string, unknown][] | undefined {
  if (typeof value !== "object" || value === null || "_bsontype" in value || Array.isArray(value)) {
    return undefined;
  }
  if (value instanceof Date || value instanceof RegExp) return undefined;
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([name]) => name.startsWith("$")) ? entries : undefined;
}

/**
 * The fields to set, or to remove if the value is undefined, so that a document matches a clause; undefined if that
 * cannot be told from the clause.
 */
export function fieldsFor(clause: Clause): Map<string, unknown> | undefined {
  const { query, needs, parts, path } = clause;
  if (needs === "any") return parts.map(fieldsFor).find((fields) => fields !== undefined);
  if (needs === "all") {
    const all = parts.map(fieldsFor);
    const merged = new Map(all.flatMap((fields) => [...fields ?? []]));
    return all.includes(undefined) ? undefined : merged;
  }
  if (needs === "none" || path === undefined) return undefined;
  const condition = query[path];
  const operators = operatorsOf(condition);
  if (operators === undefined) {
    return condition instanceof RegExp || condition instanceof BSON.BSONRegExp
      ? undefined
      : new Map([[path, condition]]);
  }
  const [operator, operand] = operators[0]!;
  switch (operators.length === 1 ? operator : undefined) {
    case "$eq":
    case "$gte":
    case "$lte":
      return new Map([[path, operand]]);
    case "$in":
      return Array.isArray(operand) && operand.length > 0 && !(operand[0] instanceof RegExp) &&
          !(operand[0] instanceof BSON.BSONRegExp)
        ? new Map([[path, operand[0]]])
        : undefined;
    case "$exists":
      return operand === false || operand === 0 ? new Map([[path, undefined]]) : undefined;
    default:
      return undefined;
  }
}
