import type { DatabaseFacts } from "../../agent/store/doctor/database_facts.ts";
import { Unseen } from "../../agent/store/doctor/unseen.ts";
import { type Examined, isDatabase } from "./examined.ts";

/**
 * How bad a finding is. `stops`: the agent cannot work. `hurts`: it works, and documents will be late, lost to a rule of
 * the collection, or run again. `note`: good to know.
 */
export type Level = "stops" | "hurts" | "note";

/** All levels, the worst first. */
export const LEVELS: readonly Level[] = ["stops", "hurts", "note"];

/** One step that mends a finding, which can be copied as it is. */
export interface Step {
  /** Where it is to be typed; a setting is a variable of the agent; what no command can do is done by hand. */
  readonly tool: "mongosh" | "shell" | "setting" | "hand";
  readonly text: string;
}

/** What a finding means, for the documents. */
export interface FindingSpec {
  readonly level: Level;
  /** One sentence: what it does to the agent. */
  readonly doc: string;
}

/** Something that was found. */
export interface Found<Id extends string = string> {
  /** Its name in {@linkcode Concern.findings}. */
  readonly is: Id;
  /** One sentence: what is wrong, and where. */
  readonly says: string;
  /** What mends it, in this order. */
  readonly steps: readonly Step[];
}

/**
 * One thing that the doctor looks at. Each is a file of `concerns/` and a line in `concerns.ts`: the report, its JSON and
 * the documents are made of these.
 */
export interface Concern<Id extends string = string> {
  readonly name: string;
  /** What is looked at, in a few words. */
  readonly doc: string;
  readonly findings: Readonly<Record<Id, FindingSpec>>;
  /** Yields what is wrong, and what could not be looked at. It asks no server: all is known already. */
  look(examined: Examined): Iterable<Found<NoInfer<Id>> | Unseen>;
}

/** Declares a concern: its findings decide what its `look` may yield. */
export function concern<const Id extends string>(spec: Concern<Id>): Concern<Id> {
  return spec;
}

/** A concern about the database, which cannot be looked at if that is out of reach. */
export function databaseConcern<const Id extends string>(
  { look, ...spec }: Omit<Concern<Id>, "look"> & {
    look(database: DatabaseFacts, examined: Examined): Iterable<Found<NoInfer<Id>> | Unseen>;
  },
): Concern<Id> {
  return {
    ...spec,
    look: (examined) => isDatabase(examined.database) ? look(examined.database, examined) : [OUT_OF_REACH],
  };
}

const OUT_OF_REACH = new Unseen("MongoDB is out of reach");
