/**
 * `make dev`: the agent from source, at work on a real MongoDB, with nothing to set up.
 *
 * - Alone: 1,000 sample orders in a MongoDB of its own; then a few more each second, until Ctrl-C.
 * - `FILE=my.json PROCESSOR=module:my.js`: your documents through your code. Ends when all are settled, with status 0
 *   when all were processed and 1 when any failed; 2 when none is pending.
 * - `MONGODB_URI=... MONGODB_DATABASE=... MONGODB_COLLECTION=...`: your MongoDB. Inserts nothing but `FILE`, if given.
 *
 * @module
 */

import { type Document, EJSON } from "bson";
import { MongoClient, MongoServerSelectionError } from "mongodb";
import { systemClock } from "../agent/lib/clock.ts";
import { sleep } from "../agent/lib/deadline.ts";
import { secrets } from "../agent/text/redact.ts";
import { printableLines } from "../agent/text/terminal_text.ts";
import { SignalEcho } from "../control/signal_echo.ts";
import { readDocuments } from "../control/try/documents_file.ts";
import { sampleOrders } from "../examples/orders.ts";
import { AgentProcess, checkSettings } from "./dev/agent_process.ts";
import { DevDashboard } from "./dev/dashboard.ts";
import { makePlan, type Plan, ROOT } from "./dev/plan.ts";
import { statusNote } from "./dev/pending.ts";
import { UserError } from "./dev/user_error.ts";
import { type Tally, Workload } from "./dev/workload.ts";
import { type RunningMongod, startMongod } from "./mongod.ts";

const SAMPLE_COUNT = 1_000;
/** An ordinary order, one that fails at its first attempt, one that cannot be processed: see `examples/orders.ts`. */
const SAMPLE_SPECIMENS = ["order-000001", "order-000005", "order-000008"];
const SPECIMEN_COUNT = 3;
const TRICKLE_MS = 500;
const PROGRESS_MS = 5_000;
const SHOWN_FAILURES = 10;
const INTERRUPTED = 130;

const stopping = new AbortController();
let agent: AgentProcess | undefined;
const echo = new SignalEcho(systemClock);

/** Does what the environment asks for; returns the exit status. */
async function dev(): Promise<number> {
  const plan = makePlan(Deno.env.toObject());
  const documents: Document[] = plan.work === "samples"
    ? sampleOrders(SAMPLE_COUNT)
    : plan.file !== undefined
    ? await readDocuments({ path: plan.file, said: `FILE=${plan.file}` })
    : [];
  const note = plan.file === undefined ? undefined : statusNote(documents, `FILE=${plan.file}`);
  await checkSettings(plan);
  await using server = plan.uri === undefined
    ? await startMongod({ replicaSet: true, onDisk: true })
    : undefined;
  const uri = plan.uri ?? server!.uri;
  secrets.learn(uri);
  await using client = new MongoClient(uri, { serverSelectionTimeoutMS: 10_000 });
  await connect(client, uri);
  const workload = new Workload(client.db(plan.database).collection(plan.collection), plan.filter);
  say(`${server === undefined ? "Using" : "Started"} MongoDB: ${uri}`);
  plan.notes.forEach(say);
  if (note !== undefined) say(note);
  if (stopping.signal.aborted) return INTERRUPTED;

  const inserted = await workload.insert(documents);
  const specimens = plan.work === "samples" ? SAMPLE_SPECIMENS : workload.ids.slice(0, SPECIMEN_COUNT);
  if (documents.length > 0) {
    say(`Inserted ${count(documents.length, "document")} into ${plan.database}.${plan.collection}; before:`);
    (await workload.find([...specimens])).forEach(show);
  }
  if (stopping.signal.aborted) return INTERRUPTED;
  if (plan.work === "file" && inserted.taken === 0) {
    throw new UserError(`None of the documents that were inserted matches FILTER=${plan.filter}`);
  }
  if (inserted.unmatched > 0) {
    say(`${count(inserted.unmatched, "document")} left alone, as FILTER does not match: ${plan.filter}`);
  }
  return await runAgent(plan, uri, { server, workload, specimens });
}

interface Stage {
  server: RunningMongod | undefined;
  workload: Workload;
  specimens: readonly unknown[];
}

/** Starts the agent, watches it until the work is done or the user stops it, and stops it. */
async function runAgent(plan: Plan, uri: string, { server, workload, specimens }: Stage): Promise<number> {
  await prepareControlFile(plan);
  const startedAt = new Date();
  agent = await AgentProcess.start(plan, uri);
  // One that works on a file ends before anyone could look.
  await using dashboard = plan.work === "file" ? undefined : await DevDashboard.start(plan, uri);
  if (dashboard !== undefined) say(`Look at it in a browser: ${dashboard.address}`);
  const watching = new AbortController();
  const done = AbortSignal.any([stopping.signal, watching.signal]);
  const accident = Promise.race([
    agent.ended.then(({ code, signal }) => {
      if (stopping.signal.aborted) return undefined;
      return signal === null
        ? `The agent ended by itself, with status ${code}: the reason stands above.`
        : `The agent was ended by ${signal}.`;
    }),
    ...(server === undefined ? [] : [server.exited.then(() => "The MongoDB server ended unexpectedly.")]),
  ]);
  const work = async (): Promise<undefined> => {
    if (plan.work === "attached") {
      hints(plan, uri, dashboard);
      await new Promise((resolve) => done.addEventListener("abort", resolve));
    } else if (await untilDrained(workload, done)) {
      await reportDrain(workload, specimens, startedAt);
      if (plan.work === "samples") {
        hints(plan, uri, dashboard);
        await trickle(workload, done);
      }
    }
  };
  let failure: string | undefined;
  let tally: Tally | undefined;
  const working = work();
  try {
    failure = await Promise.race([accident, working]);
  } finally {
    watching.abort();
    await agent.stop();
    await working.catch(() => {}); // The race above reports it, unless this failure was the cause.
    if (server === undefined || failure === undefined) tally = await workload.tally().catch(() => undefined);
  }
  if (failure !== undefined) say(failure);
  if (tally !== undefined) await summarize(plan, workload, tally);
  if (failure !== undefined) return 1;
  if (plan.work !== "file") return 0;
  if (stopping.signal.aborted) return INTERRUPTED;
  return tally?.failed === 0 ? 0 : 1;
}

/** Resolves true when the agent has settled everything; reports the progress from time to time. */
async function untilDrained(workload: Workload, done: AbortSignal): Promise<boolean> {
  const drained = new AbortController();
  const progress = async () => {
    for (;;) {
      await sleep(systemClock, PROGRESS_MS, AbortSignal.any([done, drained.signal]));
      if (done.aborted || drained.signal.aborted) return;
      say(`So far: ${tallyText(await workload.tally())}`);
    }
  };
  const reporting = progress();
  try {
    return await workload.drained(done);
  } finally {
    drained.abort();
    await reporting;
  }
}

async function reportDrain(
  workload: Workload,
  specimens: readonly unknown[],
  startedAt: Date,
): Promise<void> {
  const elapsedMs = Date.now() - startedAt.getTime();
  say("After:");
  (await workload.find([...specimens])).forEach(show);
  const tally = await workload.tally();
  say(`Drained in ${seconds(elapsedMs)}, counted from the start of the agent: ${tallyText(tally)}.`);
  const { count: atOnce, last } = await workload.firstAttempts();
  const atOnceMs = last === undefined ? 0 : last.getTime() - startedAt.getTime();
  if (atOnce > 100 && atOnceMs > 0) {
    const rate = Math.round(atOnce / atOnceMs * 1000).toLocaleString("en");
    say(
      `${count(atOnce, "document")} needed one attempt and were done after ${
        seconds(atOnceMs)
      }: ${rate} a second.`,
    );
  }
}

/** Inserts an order from time to time, so that there is something to watch. */
async function trickle(workload: Workload, done: AbortSignal): Promise<void> {
  for (let number = SAMPLE_COUNT + 1;; number++) {
    await sleep(systemClock, TRICKLE_MS, done);
    if (done.aborted) return;
    await workload.insert(sampleOrders(1, number));
    if (number * TRICKLE_MS % PROGRESS_MS === 0) say(tallyText(await workload.tally()));
  }
}

async function summarize(plan: Plan, workload: Workload, tally: Tally): Promise<void> {
  if (plan.work === "file" && tally.failed > 0) {
    say("Failed:");
    for (const { _id, error } of await workload.failures(SHOWN_FAILURES)) {
      print(`  ${EJSON.stringify(_id)}: ${error}`);
    }
    if (tally.failed > SHOWN_FAILURES) console.log(`  and ${tally.failed - SHOWN_FAILURES} more`);
  }
  const where = plan.work === "attached" ? ` in ${plan.database}.${plan.collection}` : "";
  say(`Stopped. ${tallyText(tally)}${where}.`);
}

function hints(plan: Plan, uri: string, dashboard: DevDashboard | undefined): void {
  const { HEALTH_DIR, CONTROL_FILE } = plan.settings;
  const uriOfItsOwn = plan.uri === undefined ? `MONGODB_URI="${uri}" ` : "";
  const example = plan.work === "samples" ? SAMPLE_SPECIMENS.at(-1) : "ID";
  const here = (path: string) => path.startsWith(`${ROOT}/`) ? path.slice(ROOT.length + 1) : path;
  const look = dashboard === undefined ? "" : `  ${dashboard.address}    shows all of it in a browser\n`;
  say(
    `The agent goes on${
      plan.work === "samples" ? ", and gets two orders a second" : ""
    }. From a second terminal:
${look}  make pause    or  HEALTH_DIR=${here(HEALTH_DIR)} deno task agent pause
  make resume   or  HEALTH_DIR=${here(HEALTH_DIR)} deno task agent resume
  make status   or  HEALTH_DIR=${here(HEALTH_DIR)} deno task agent status
  make status ARGS=--watch    shows it again and again
  export ${uriOfItsOwn}MONGODB_DATABASE=${plan.database} MONGODB_COLLECTION=${plan.collection}    first, for these:
  make agent ARGS="why ${example}"    requeue --id, cancel, dead-letters summary in the same way
  echo pause > ${here(CONTROL_FILE)}    does the same with the control file; resume undoes it
  mongosh "${uri}"    looks into the database ${plan.database}
Ctrl-C stops everything.`,
  );
}

/** The file decides how the agent starts: the state of an earlier run must not pause this one. */
async function prepareControlFile({ settings: { CONTROL_FILE } }: Plan): Promise<void> {
  if (!CONTROL_FILE.startsWith(`${ROOT}/.tools/`)) return;
  await Deno.mkdir(CONTROL_FILE.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(CONTROL_FILE, "resume\n");
}

async function connect(client: MongoClient, uri: string): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    if (!(error instanceof MongoServerSelectionError)) throw error;
    throw new UserError(`Cannot reach MongoDB at ${uri}: ${error.message}; is MONGODB_URI right?`);
  }
}

function onSignal(signal: Deno.Signal): void {
  if (echo.isEcho(signal)) return;
  const isFirst = !stopping.signal.aborted;
  if (isFirst) {
    say(agent === undefined ? "Stopping." : "Stopping: the agent finishes what it holds; again to abort it.");
  }
  stopping.abort();
  agent?.askToStop();
}

function say(message: string): void {
  print(`dev: ${message}`);
}

function show(document: Document): void {
  print(`  ${EJSON.stringify(document, { relaxed: true })}`);
}

function print(text: string): void {
  console.log(shown(text));
}

/** Documents may hold anything: none of it commands the terminal. No secret of the connection string is shown. */
function shown(text: string): string {
  return printableLines(secrets.text(text));
}

function tallyText({ pending, processing, processed, failed }: Tally): string {
  const open = pending + processing;
  return `${processed.toLocaleString("en")} processed, ${failed} failed, ${open.toLocaleString("en")} to do`;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => onSignal(signal));
}
let status: number;
try {
  status = await dev();
} catch (error) {
  // Only a bug of this script deserves a stack trace.
  const isBug = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  console.error("dev:", error instanceof Error && !isBug ? shown(error.message) : error);
  status = error instanceof UserError ? 2 : 1;
}
Deno.exit(status);
