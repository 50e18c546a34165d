import type { MongoClient } from "mongodb";
import type { AgentEvent } from "../../agent/events.ts";
import type { Document } from "../../agent/ports.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { elementNamed } from "../support/raw_bson.ts";
import { COLLECTION, jobs, letters, openStore, type TestStore } from "../support/store.ts";
import { WireConnection } from "../support/wire.ts";
import type { Verdict } from "./area.ts";
import { type Fault, inflict, mayBlame } from "./faults.ts";
import { type Fate, isSettled, judge } from "./oracle.ts";
import { redriveAll } from "./redrive.ts";
import { impose, type Rule } from "./rules.ts";
import { EFFECTS, NUMBER, numberOf, SET_FIELD, type Task, type WorkSettings } from "./work.ts";

/** Something to do for an agent, and what happens to it meanwhile. */
export interface Work {
  tasks: readonly Task[];
  settings: WorkSettings;
  faults: readonly Fault[];
  /** What the user's own collection refuses. */
  rule?: Rule;
  /** Whether all dead letters are redriven in the end. */
  redrives?: boolean;
}

/**
 * All is over so long after the last change unless something is wrong, in milliseconds: leases run out, failed claims are tried
 * again.
 */
const REST_LIMIT_MS = 8000;
const REST_LIMIT_AFTER_FAULTS_MS = 20_000;
/** On a busy machine all takes longer, and the server is too slow at times, as if it failed: no longer than this, in milliseconds. */
const REST_LIMIT_IN_ALL_MS = 120_000;
/** A drain takes no longer than its own limit and what the README allows beyond it, in milliseconds. */
const DRAIN_LIMIT_MS = 40_000;
const SHUTDOWN_TIMEOUT_MS = 30_000;
const LEASE_MS = 1000;
/** What is held by no one is taken over within this, in milliseconds: then nothing more is to be expected. */
const QUIET_MS = 2 * LEASE_MS;

/** Lets an agent in this process do the work against a real server; returns what was broken. */
export async function doWork(work: Work, admin: MongoClient): Promise<Verdict> {
  await using database = await testDatabase("fuzz");
  const before = await insert(database, work.tasks);
  if (work.rule !== undefined) await impose(database.db, work.rule);
  const handlers = new Handlers(work);
  const agentName = `fuzz-${crypto.randomUUID().slice(0, 8)}`;
  await using store = openStore(database, { agentName, leaseMs: LEASE_MS, ...work.settings });
  const inflicted = inflict(admin, `pulling-agent/${agentName}`, work.faults);
  await using agent = new InProcessAgent(
    store,
    (document, { attempt, signal }) => handlers.handle(document, attempt, signal),
    {
      ...work.settings,
      leaseMs: LEASE_MS,
      shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
      retryBackoffMs: 5,
      retryBackoffMaxMs: 10,
      maxSnoozeMs: 10,
    },
  );
  await inflicted;
  const look = async () =>
    judge(await fates(database, work.tasks, before, handlers), {
      maxAttempts: work.settings.maxAttempts,
      toldOf: await toldOf(store, refusedOf(agent.seen)),
      refused: refusedOf(agent.seen),
      leasesLost: agent.count("lease_lost") + agent.count("unconfirmed") + abortedOf(agent.seen),
      onlyHandlersFail: work.faults.length > 0 && work.rule === undefined && !work.faults.some(mayBlame),
    });
  const broken = await atRest(work, look, async () => {
    const stored = await rawDocuments(database, COLLECTION);
    const runs = [...handlers.runs.values()];
    return {
      isOver: stored.every(isSettled) && agent.agent.held.documents === 0,
      seen: JSON.stringify([await Promise.all(stored.map(digest)), runs]),
      troubles: troublesOf(agent.seen),
    };
  });
  broken.push(...await drained(agent), ...handlers.problems);
  if (work.redrives && broken.length === 0) broken.push(...await redriveAll(store, database));
  return { broken, evidence: eventsText(agent.seen) };
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).toHex();
}

/** Waits until nothing changes any more, and returns what is broken then. */
async function atRest(
  { faults, rule }: Work,
  judge: () => Promise<string[]>,
  look: () => Promise<{ isOver: boolean; seen: string; troubles: number }>,
): Promise<string[]> {
  const hasCompany = faults.length > 0 || rule !== undefined;
  const startedMs = performance.now();
  let endMs = 0;
  const waitOn = (limitMs: number) => {
    endMs = Math.max(endMs, Math.min(performance.now() + limitMs, startedMs + REST_LIMIT_IN_ALL_MS));
  };
  let [last, sinceMs, met] = ["", 0, 0];
  for (;;) {
    const { isOver, seen, troubles } = await look();
    const now = performance.now();
    if (troubles > met) waitOn(REST_LIMIT_AFTER_FAULTS_MS);
    met = troubles;
    if (seen !== last) {
      [last, sinceMs] = [seen, now];
      waitOn(hasCompany ? REST_LIMIT_AFTER_FAULTS_MS : REST_LIMIT_MS);
    }
    const isQuiet = now - sinceMs >= QUIET_MS;
    if (isOver || isQuiet || now >= endMs) {
      const broken = await judge();
      if (broken.length === 0 && (isOver || isQuiet)) return [];
      if (now >= endMs) return isQuiet || isOver ? broken : [...broken, "The agent does not come to rest"];
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** How often MongoDB did not answer in time, or not as it was asked to. */
function troublesOf(events: readonly AgentEvent[]): number {
  return events.filter(({ type }) =>
    type === "settle_failed" || type === "claim_failed" || type === "renew_failed"
  ).length;
}

async function drained(agent: InProcessAgent): Promise<string[]> {
  const late = Promise.withResolvers<string[]>();
  const timer = setTimeout(
    () => late.resolve([`A drain does not end within ${DRAIN_LIMIT_MS} ms`]),
    DRAIN_LIMIT_MS,
  );
  try {
    return await Promise.race([
      agent.drain().then(({ abandoned }) =>
        abandoned > 0 ? [`A drain abandoned ${abandoned} documents`] : []
      ),
      late.promise,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** What handlers do by the plans, and what they notice. */
class Handlers {
  readonly problems: string[] = [];
  readonly runs = new Map<number, number>();
  readonly #running = new Map<number, AbortSignal>();
  readonly #tasks: Map<number, Task>;

  constructor({ tasks }: Work) {
    this.#tasks = new Map(tasks.map((task) => [task.number, task]));
  }

  async handle(document: Document, attempt: number, signal: AbortSignal): Promise<unknown> {
    const number = Number(document[NUMBER]);
    const task = this.#tasks.get(number);
    if (!task) {
      this.problems.push(`A handler was given a document that was never inserted: ${Deno.inspect(document)}`);
      return;
    }
    const runs = (this.runs.get(number) ?? 0) + 1;
    this.runs.set(number, runs);
    const other = this.#running.get(number);
    if (other && !other.aborted) {
      this.problems.push(`A document is processed twice at the same time (${number})`);
    }
    if (document.status !== "processing") this.problems.push("A handler's document is not processing");
    if ("_pull" in document) this.problems.push("A handler is shown the bookkeeping");
    this.#running.set(number, signal);
    try {
      return await this.#follow(task, attempt, runs);
    } finally {
      if (this.#running.get(number) === signal) this.#running.delete(number);
    }
  }

  async #follow({ plan, number }: Task, _attempt: number, runs: number): Promise<unknown> {
    // Work that takes a while meets faults at every stage.
    if (plan === "slow") await new Promise((resolve) => setTimeout(resolve, 60));
    if (plan === "set") return { set: { [SET_FIELD]: number } };
    if (plan === "write") return { writes: [{ collection: EFFECTS, insertOne: { of: number } }] };
    if (plan === "fail for good") throw Object.assign(new Error("for good"), { permanent: true });
    if (plan === "fail" || (plan === "fail once" && runs === 1)) throw new Error(`run ${runs}`);
  }
}

async function insert(database: TestDatabase, tasks: readonly Task[]): Promise<Map<number, Uint8Array>> {
  using connection = await WireConnection.open(database.uri);
  if (tasks.length > 0) {
    await connection.insert(database.name, COLLECTION, tasks.map(({ bytes }) => bytes));
  }
  // As the server keeps it: what it refused is not there, and `_id` comes first.
  const stored = await rawDocuments(database, COLLECTION);
  return new Map(stored.map((bytes) => [numberOf(bytes), bytes]));
}

async function fates(
  database: TestDatabase,
  tasks: readonly Task[],
  before: Map<number, Uint8Array>,
  { runs }: Handlers,
): Promise<Fate[]> {
  const after = new Map((await rawDocuments(database, COLLECTION)).map((bytes) => [numberOf(bytes), bytes]));
  const letters = await rawDocuments(database, "letters");
  const effects = await database.db.collection(EFFECTS).find().toArray();
  const letterOf = new Map(letters.map((bytes) => [idOf(bytes), bytes]));
  return tasks.filter(({ number }) => before.has(number)).map((task) => {
    const was = before.get(task.number)!;
    return {
      task,
      before: was,
      after: after.get(task.number),
      letter: letterOf.get(idOf(was)),
      runs: runs.get(task.number) ?? 0,
      effects: effects.filter(({ of }) => of === task.number).length,
    };
  });
}

function idOf(document: Uint8Array): string {
  const { type, value } = elementNamed(document, "_id")!;
  return `${type}:${value.toHex()}`;
}

async function rawDocuments(
  database: TestDatabase,
  which: typeof COLLECTION | "letters",
): Promise<Uint8Array<ArrayBuffer>[]> {
  const collection = which === COLLECTION ? jobs(database) : letters(database);
  const found = await collection.find({}, { raw: true }).toArray();
  return found.map((bytes: Uint8Array) => new Uint8Array(bytes));
}

/** How many pending documents the agent says it cannot take: those it could not claim, and those that a look finds. */
async function toldOf(store: TestStore, refused: number): Promise<number> {
  // A server that fails meanwhile is looked at again with the next judgement.
  const groups = await store.leftAlone("last").catch(() => []) ?? [];
  return Math.max(refused, groups.reduce((sum, { documents }) => sum + documents, 0));
}

/** Handlers that were aborted because the lease could not be renewed in time: their documents are released, and run again. */
function abortedOf(seen: readonly AgentEvent[]): number {
  return seen.reduce((sum, event) => sum + (event.type === "released" ? event.aborted : 0), 0);
}

/** How many documents the agent says the database refuses to change. */
function refusedOf(events: readonly AgentEvent[]): number {
  const told = events.filter((event) => event.type === "claim_refused" || event.type === "settle_rejected");
  return new Set(told.map((event) => Deno.inspect((event as { id: unknown }).id))).size;
}

function eventsText(events: readonly AgentEvent[]): string {
  const news = events.filter((event) => event.type !== "claimed" || event.documents > 0);
  return news.slice(-30).map((event) => {
    const { error, ...rest } = event as AgentEvent & { error?: unknown };
    const said = error === undefined ? "" : ` error: ${String(error).slice(0, 200)}`;
    return Deno.inspect(rest, { breakLength: Infinity, depth: 3 }) + said;
  }).join("\n");
}
