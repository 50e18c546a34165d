import { CommandError } from "../agent/errors.ts";
import { isNotFound, readFileNow } from "../agent/lib/read_file.ts";
import type { Environment } from "../agent/settings/environment.ts";
import { readSetting } from "../agent/settings/load_settings.ts";
import { answers } from "../agent/telemetry/printer.ts";
import type { HealthFile } from "./health_dir.ts";
import { unreadable } from "./health_dir.ts";
import { lookAt, notResponding } from "./status_report.ts";

const FILE: HealthFile = "metrics.prom";
/** The most that is read of it, in bytes: many times what the metrics need. */
const MAX_BYTES = 1024 * 1024;

/**
 * Prints the metrics of the agent of this health directory, as they are now if it can be asked; returns the exit
 * status.
 *
 * @throws {CommandError} If there is no agent, if it writes no metrics, or if it does not respond. Then its last
 *   metrics are printed first.
 */
export async function reportMetrics(env: Environment): Promise<number> {
  const directory = readSetting("healthDir", env);
  const look = await lookAt(directory);
  const text = await readMetrics(directory);
  if (text.trim() === "") throw new CommandError(noMetrics(directory));
  await answers.print(text.trimEnd());
  if (!look.isResponding) throw notResponding(look);
  return 0;
}

async function readMetrics(directory: string): Promise<string> {
  try {
    return await readFileNow(`${directory}/${FILE}`, MAX_BYTES);
  } catch (error) {
    if (isNotFound(error)) throw new CommandError(noMetrics(directory), { cause: error });
    throw unreadable(directory, error);
  }
}

function noMetrics(directory: string): string {
  return `The agent of ${directory} has written no ${FILE}: start it with METRICS_FILE=true; if it was, see its log`;
}
