import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { GroupedLog } from "../../agent/telemetry/grouped_log.ts";
import { LineQueue } from "../../agent/telemetry/line_queue.ts";
import { Logger, logLine } from "../../agent/telemetry/logger.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { START_LOCK_WAIT_MS } from "../../health/dir_claim.ts";
import { HealthDir } from "../../health/health_dir.ts";
import { type Checked, settingsAndProcessor } from "../commands/checked_settings.ts";
import { guardAgainstModule } from "../module_guard.ts";
import { ModuleOutput } from "../module_output.ts";
import type { Signals } from "../signals.ts";
import { partsOf } from "./parts.ts";
import { Run } from "./run.ts";
import { telemetryOf } from "./telemetry_of.ts";

/** The last lines of the log may take this long to be written, in milliseconds: there may be no reader. */
const FLUSH_LIMIT_MS = 500;

/**
 * Runs the agent until it has drained; returns the exit status.
 *
 * @throws {UsageError} if the settings or the processor cannot be used.
 * @throws {CommandError} if the health directory cannot, or the port of the metrics.
 */
export async function runAgent(
  env: Environment,
  signals: Signals,
  { untilEmpty }: { untilEmpty: boolean },
): Promise<number> {
  await guardAgainstModule(env, { startsPrograms: true });
  const output = new ModuleOutput();
  let lines: LineQueue | undefined;
  try {
    const checking = settingsAndProcessor(env, Object.keys(Deno.env.toObject()), output);
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
function standardOutput({ agentName: agent, logFormat }: Settings): LineQueue {
  return new LineQueue({
    sink: Deno.stdout,
    lossLine: (lines, reason) =>
      logLine(logFormat, {
        agent,
        level: "WARNING",
        message: "Log lines were lost",
        fields: { lines, reason },
      }),
  });
}

/** What a run needs besides its settings. */
interface Surroundings {
  lines: LineQueue;
  output: ModuleOutput;
  signals: Signals;
  untilEmpty: boolean;
}

async function runChecked(
  checked: Checked,
  { lines, output, signals, untilEmpty }: Surroundings,
): Promise<number> {
  const { settings } = checked;
  const log = new Logger({
    agent: settings.agentName,
    level: settings.logLevel,
    format: settings.logFormat,
    output: lines,
  });
  const grouped = new GroupedLog(log, systemClock);
  // A module may end the process at any moment.
  globalThis.addEventListener("unload", () => {
    grouped.flush();
    lines.flushSync();
  });
  const directory = await HealthDir.open(settings.healthDir, START_LOCK_WAIT_MS);
  const parts = partsOf({ checked, directory, log, grouped, untilEmpty });
  output.handTo({ log, grouped, events: parts.events, processor: settings.processor });
  const telemetry = await telemetryOf(parts).catch(async (error) => {
    await directory.close();
    throw error;
  });
  return await new Run(parts, telemetry).live(signals);
}

/**
 * A stop that comes during the start waits this long for the start to end, in milliseconds: a module may never load.
 */
const START_GRACE_MS = 2000;

/**
 * Resolves with the signal that asks for a stop, once its grace is over. It logs nothing: the start may be over by
 * then.
 */
async function stoppedMeanwhile(signals: Signals): Promise<Deno.Signal> {
  const signal = await signals.stopped;
  await sleep(systemClock, START_GRACE_MS);
  return signal;
}
