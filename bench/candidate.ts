import type { Collection } from "mongodb";
import { type Bench, settle } from "./bench.ts";
import type { Span } from "./drained.ts";
import { cpuMsOfEnded } from "./proc.ts";
import { costOf, mongoServer, type ServerCost } from "./server_cost.ts";

/** A program that processes all documents. */
export interface Candidate {
  /** For the command line. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly settings: string;
  readonly kind: "loop" | "library" | "limit" | "agent";
  /** Documents of a run: fewer for slow candidates, whose rate does not depend on it. */
  readonly documents: { readonly full: number; readonly quick: number };
  /** If it cannot take part here, the code that finds that out reports why. */
  isPossible?(): Promise<boolean>;
  /** Makes the documents, has all of them processed, and removes them. */
  run(bench: Bench, count: number): Promise<Outcome>;
}

/** The result of a run, as far as the database can tell. */
export interface Drained {
  span: Span;
  /** Documents that are done. */
  done: number;
  /** Undefined if nothing is left to count by. */
  processedTwice?: number;
}

/** The same, and what it has cost. */
export interface Outcome extends Drained {
  cost: ServerCost;
  /** CPU of the program for a thousand documents, with its start and its end, in milliseconds. */
  programCpuMs: number;
}

/** A candidate on the MongoDB server of the benchmark. */
export interface OnMongo extends Omit<Candidate, "run"> {
  /** Makes the documents; returns the collection they are in. */
  prepare(bench: Bench, count: number): Promise<Collection>;
  /** Processes all of them. Returns a function that reads the result from the server alone. */
  drain(bench: Bench, collection: Collection, count: number): Promise<() => Promise<Drained>>;
}

/** Counts what the server does from the start of the program until all is processed. */
export function onMongo({ drain, prepare, ...rest }: OnMongo): Candidate {
  return {
    ...rest,
    async run(bench, count) {
      const collection = await prepare(bench, count);
      await settle(bench);
      const cpuBefore = await cpuMsOfEnded();
      const { result: look, cost } = await costOf(
        mongoServer(bench),
        count,
        () => drain(bench, collection, count),
      );
      // The agent ends at this end.
      const drained = await look();
      const programCpuMs = (await cpuMsOfEnded() - cpuBefore) / count * 1000;
      await collection.drop();
      return { ...drained, cost, programCpuMs };
    },
  };
}
