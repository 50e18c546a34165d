import { Agent } from "../../agent/agent.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { doneBy, sleep } from "../../agent/lib/deadline.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { errorText } from "../../agent/errors.ts";
import { Events } from "../../agent/events.ts";
import type { Environment } from "../../agent/settings/load.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { secrets } from "../../agent/text/redact.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { isLasting } from "../../agent/store/mongo_errors.ts";
import { MongoStore } from "../../agent/store/mongo_store.ts";
import { prepareStore } from "../../agent/store/prepare_store.ts";
import { UriFile } from "../../agent/store/connection/uri_source.ts";
import { DocumentLogs } from "../../agent/telemetry/document_log.ts";
import { LineQueue } from "../../agent/telemetry/line_queue.ts";
import { logEvents } from "../../agent/telemetry/log_events.ts";
import { Logger, logLine } from "../../agent/telemetry/logger.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { versionInfo } from "../../agent/version.ts";
import { HealthDir } from "../../health/health_dir.ts";
import { HealthReporter } from "../../health/health_reporter.ts";
import { type Checked, settingsAndProcessor } from "./checked_settings.ts";
import { ControlFile } from "../control_file.ts";
import { JobEnd } from "../job_end.ts";
import { guardAgainstModule } from "../module_guard.ts";
import { ModuleOutput } from "../module_output.ts";
import { LastingFailure } from "../lasting_failure.ts";
import { NothingFound } from "./nothing_found.ts";
import { PauseController } from "../pause_controller.ts";
import { SignalEcho } from "../signal_echo.ts";
import type { Signals } from "../signals.ts";
import { SourceEnd } from "../source_end.ts";

/** Whatever is still open when the agent has stopped may take this long to close, in milliseconds. */
const CLOSE_LIMIT_MS = 1000;

/** The last lines of the log may take this long to be written, in milliseconds: there may be no reader. */
const FLUSH_LIMIT_MS = 500;

/**
 * Runs the agent until it has drained; returns the exit status.
 *
 * @throws {UsageError} Where the settings or the processor cannot be used.
 * @throws {CommandError} Where the health directory cannot.
 */
export async function runAgent(
  env: Environment,
  signals: Signals,
  { untilEmpty }: { untilEmpty: boolean },
): Promise<number> {
  await guardAgainstModule(env);
  const output = new ModuleOutput();
  let lines: LineQueue | undefined;
  try {
    const checking = settingsAndProcessor(env, Object.keys(Deno.env.toObject()));
    const checked = await Promise.race([checking, stoppedMeanwhile(signals)]);
    if (typeof checked === "string") {
      output.giveBack();
      remarks.say(`pulling-agent: stopped by ${checked} before it had started`);
      // A Job that has not begun is not done.
      return untilEmpty ? 1 : 0;
    }
    lines = standardOutput(checked.settings);
    return await runChecked(checked, { lines, output, signals, untilEmpty });
  } finally {
    output.giveBack();
    await lines?.flush(FLUSH_LIMIT_MS);
  }
}

/** The log's lines, on their way to standard output. */
function standardOutput({ logFormat }: Settings): LineQueue {
  const lines = new LineQueue({
    sink: Deno.stdout,
    lossLine: (lines, reason) =>
      logLine(logFormat, { level: "WARNING", message: "Log lines were lost", fields: { lines, reason } }),
  });
  // A module may end the process from one moment to the next.
  globalThis.addEventListener("unload", () => lines.flushSync());
  return lines;
}

/** What a run needs besides its settings. */
interface RunParts {
  lines: LineQueue;
  output: ModuleOutput;
  signals: Signals;
  untilEmpty: boolean;
}

async function runChecked(
  { settings, filter, processing, warnings }: Checked,
  { lines, output, signals, untilEmpty }: RunParts,
): Promise<number> {
  const log = new Logger({ level: settings.logLevel, format: settings.logFormat, output: lines });
  const directory = await HealthDir.open(settings.healthDir);

  const events = new Events();
  const gate = new PauseController();
  const store = new MongoStore(settings, filter);
  const { version } = versionInfo();
  logEvents(events, log, { clock: systemClock, formatId });
  const agent = new Agent({
    ...SYSTEM,
    events,
    gate,
    store,
    processing,
    settings,
    untilEmpty,
    logs: new DocumentLogs(log, formatId),
  });
  const health = new HealthReporter({
    clock: systemClock,
    directory,
    events,
    formatId,
    version,
    name: settings.agentName,
    heartbeatIntervalMs: settings.heartbeatIntervalMs,
    readyWhilePaused: settings.readyWhilePaused,
    control: () => gate.current,
    hasSource: () => store.source.isUsable,
    held: () => agent.held,
    onProblem: (message) => log.error(message),
    onMended: (message) => log.info(message),
  });
  store.source.onChange(() => health.refresh());
  gate.onChange(() => {
    const { state, source } = gate.current;
    log.info(state === "paused" ? "Paused: claiming nothing until resumed" : "Resumed", { source });
    health.refresh();
  });
  output.handTo(log, events, settings.processor);
  announce(log, settings, [...warnings, ...store.warnings]);

  const controlFile = new ControlFile({
    clock: systemClock,
    path: settings.controlFile,
    onCommand: (command) => gate[command]("file"),
    onProblem: (message) => log.warn(message),
    onAbsent: (message) => log.info(message),
  });
  // The file decides how the agent starts; signals that came meanwhile are later changes.
  await controlFile.start();
  const stop = stopper(agent);
  // One turn of the event loop, or what arrived while the modules were loading would come after the first claim.
  await sleep(systemClock, 0);
  signals.handle((command) => {
    if (command.kind === "stop") stop(command.signal);
    else if (command.kind === "answer") health.answer();
    else gate[command.kind]("signal");
  });
  health.start();
  const { mongodbUriFile } = settings;
  store.follow(mongodbUriFile === undefined ? undefined : new UriFile(mongodbUriFile, learnSecrets));
  const sourceEnd = new SourceEnd(events, agent, { untilEmpty });
  const stopPreparing = prepareStore(store, {
    ...SYSTEM,
    events,
    log,
    ensureIndexes: settings.ensureIndexes,
  });
  const stopListening = settings.changeStream === "auto" ? listen(store, agent, events, log) : async () => {};

  const end = new JobEnd(events, { untilEmpty });
  const nothingFound = new NothingFound({
    events,
    log,
    hasFilter: filter !== undefined,
    count: () => store.documentCount(),
  });
  if (untilEmpty) new LastingFailure({ clock: systemClock, events, agent, isLasting });
  const { abandoned, reason } = await agent.run();
  end.drained(reason);
  stopPreparing();
  await doneBy(nothingFound.told, { clock: systemClock, limitMs: CLOSE_LIMIT_MS });
  end.tell(log, health.counters);
  const closing = Promise.allSettled([
    controlFile.stop(),
    stopListening().then(() => store.close()),
    health.stop(),
  ]);
  await doneBy(closing, { clock: systemClock, limitMs: CLOSE_LIMIT_MS });
  return sourceEnd.status || (abandoned > 0 || end.isFailure ? 1 : 0);
}

/** A stop that comes during the start waits this long for it to end, in milliseconds: a module may never load. */
const START_GRACE_MS = 2000;

/** Resolves with the signal that asks to stop, once its grace is over. It says nothing: the start may be over by then. */
async function stoppedMeanwhile(signals: Signals): Promise<Deno.Signal> {
  const signal = await signals.stopped;
  await sleep(systemClock, START_GRACE_MS);
  return signal;
}

/** Wakes the loop when documents change; returns a function that ends it. */
function listen(store: MongoStore, agent: Agent, events: Events, log: Logger): () => Promise<void> {
  const stream = store.wakeStream({
    onHint: () => agent.wake(),
    onUnsupported: (reason) =>
      log.info("This server tells of no changes: documents are found by polling alone", { reason }),
    onTrouble: (error) =>
      log.warn("Cannot follow the changes of the collection: documents are found by polling alone", {
        error: errorText(error),
      }),
  });
  events.subscribe((event) => {
    if (event.type === "progress" && event.stage === "idle") stream.loopIdle();
    if (event.type === "claimed") stream.claimed(event.documents);
  });
  stream.start();
  return () => stream.stop();
}

/** The first signal drains, a second one forces. */
function stopper(agent: Agent): (signal: Deno.Signal) => void {
  const echo = new SignalEcho(systemClock);
  let isDraining = false;
  return (signal) => {
    if (echo.isEcho(signal)) return;
    if (isDraining) agent.force(`a second signal, ${signal}`);
    else agent.drain(signal);
    isDraining = true;
  };
}

function announce(log: Logger, settings: Settings, warnings: readonly string[]): void {
  log.info("Starting pulling-agent", {
    ...versionInfo(),
    agent: settings.agentName,
    source: `${settings.mongodbDatabase}.${settings.mongodbCollection}`,
    processor: settings.processor,
    concurrency: settings.concurrency,
    batchSize: settings.batchSize,
  });
  for (const warning of warnings) log.warn(warning);
}

function learnSecrets(uri: string): void {
  secrets.learn(uri);
}
