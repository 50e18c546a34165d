import type { Document } from "mongodb";
import { ensureIndexes } from "../../agent/store/indexes.ts";
import { RUN_LOG } from "../../tests/witness/run_log.ts";
import { canHavePackages, programArguments, runToEnd } from "../programs.ts";
import { BINARY } from "../agent.ts";
import type { KilledRun } from "./killed_run.ts";

/** The lock or lease of all of them, in milliseconds. */
export const LOCK_MS = 5000;
/** Handlers that each process runs at once. */
export const CONCURRENCY = 4;

/** A program of which three processes share the documents, and are killed. */
export interface KilledCandidate {
  readonly id: string;
  readonly name: string;
  /** Documents of a run: fewer for one that works on them one by one. */
  readonly documents: number;
  isPossible?(): Promise<boolean>;
  /** Makes the documents, with the numbers from 0 on. */
  fill(run: KilledRun, count: number): Promise<void>;
  /** The program and its arguments. */
  command(run: KilledRun): [program: string, args: string[], env: Record<string, string>];
  /** Which documents are not marked as done, as a query on the collection. */
  readonly open: Document;
  /** The number of a stored document. */
  numberOf(document: Document): number;
}

const INSERT = {
  async fill({ collection }: KilledRun, count: number): Promise<void> {
    await collection.insertMany(
      Array.from({ length: count }, (_, number) => ({ number, status: "pending" })),
    );
  },
  open: { status: { $ne: "processed" } },
  numberOf: ({ number }: Document) => number,
};

/** The agent. The key of its runs is the number of the document, as for all others. */
const MODULE = `${RUN_LOG}
export default (document, context) => {
  const numbered = new Proxy(context, {
    get: (target, name) => name === "idempotencyKey" ? String(document.number) : target[name],
  });
  return witnessed(() => new Promise((resolve) => setTimeout(resolve, 100)))(document, numbered);
};`;

function library(
  program: string,
  stored: string,
  rest: Pick<KilledCandidate, "id" | "name" | "open">,
): KilledCandidate {
  const commandOf = (mode: string, { collection, uri }: KilledRun, ...more: string[]) =>
    programArguments(program, [mode, uri, collection.dbName, stored, ...more]);
  return {
    ...rest,
    documents: 400,
    isPossible: canHavePackages,
    async fill(run, count) {
      const [name, args, env] = commandOf("fill", run, String(count));
      await runToEnd(name, args, { ...env, LOCK_MS: String(LOCK_MS), CONCURRENCY: String(CONCURRENCY) });
    },
    command: (run) => commandOf("drain", run),
    numberOf: ({ data }) => data.number,
  };
}

function loop(mode: string, name: string): KilledCandidate {
  return {
    ...INSERT,
    id: `loop-${mode}`,
    name,
    documents: 100,
    command: ({ collection, uri }) =>
      programArguments("killed_loop", [mode, uri, collection.dbName, collection.collectionName]),
  };
}

/** All of them, in the order of the table. */
export const KILLED: readonly KilledCandidate[] = [
  {
    ...INSERT,
    id: "agent",
    name: "pulling-agent",
    documents: 400,
    async fill(run, count) {
      await run.db.createCollection(run.collection.collectionName);
      await ensureIndexes(run.collection);
      await Deno.writeTextFile(`${run.dir}/processor.js`, MODULE);
      await INSERT.fill(run, count);
    },
    command: ({ collection, dir, uri, started }) => [BINARY, ["run"], {
      MONGODB_URI: uri,
      MONGODB_DATABASE: collection.dbName,
      MONGODB_COLLECTION: collection.collectionName,
      PROCESSOR: `module:${dir}/processor.js`,
      HEALTH_DIR: `${dir}/health-${started}`,
      CONTROL_FILE: `${dir}/control`,
      LEASE_DURATION: `${LOCK_MS / 1000}s`,
      POLL_INTERVAL: "200ms",
      BATCH_SIZE: String(CONCURRENCY),
    }],
  },
  library("killed_agenda", "agenda", { id: "agenda", name: "agenda", open: { lastFinishedAt: null } }),
  library("killed_mongo_jobs", "backgroundjobs", {
    id: "mongo-jobs",
    name: "@clipboard-health/mongo-jobs",
    // It removes finished jobs.
    open: {},
  }),
  loop("read", "Hand-written loop: find 100, update one by one"),
  loop("claim", "Hand-written loop: findOneAndUpdate to processing, then to processed"),
];
