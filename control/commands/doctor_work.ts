import { errorText, UsageError } from "../../agent/errors.ts";
import type { ForeignLog } from "../../agent/processors/foreign_log.ts";
import { loadProcessor } from "../../agent/processors/load_processor.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { versionInfo } from "../../agent/version.ts";
import { diagnosisOf } from "../doctor/diagnosis.ts";
import { diagnosisJson } from "../doctor/diagnosis_json.ts";
import { diagnosisText } from "../doctor/diagnosis_text.ts";
import { examine } from "../doctor/examine.ts";
import { podFacts } from "../doctor/pod_facts.ts";
import { ModuleConsole } from "../module_console.ts";
import { guardAgainstModule } from "../module_guard.ts";
import { checkedSettings } from "./checked_settings.ts";

/** What the doctor is asked, from the command line. */
export interface DoctorTask {
  asJson: boolean;
  /** The path of the manifest of the pod; `-` is standard input. */
  pod: string | undefined;
}

/**
 * Looks at all that the agent needs and prints what is wrong; returns the exit status: 1 if the agent cannot work. It
 * changes nothing.
 *
 * @throws {UsageError} If the settings or the manifest cannot be read.
 */
export async function examineAndTell({ asJson, pod }: DoctorTask, env: Environment): Promise<number> {
  // As `check` does: a module finds the same here as in `run`, and no program is started.
  await guardAgainstModule(env);
  const log: ForeignLog = { write: (_, text) => remarks.say(text) };
  new ModuleConsole((level, text) => log.write(level, text));
  const checked = checkedSettings(env, Object.keys(Deno.env.toObject()));
  const facts = pod === undefined ? undefined : await podFacts(pod);
  const processorProblem = await problemOfProcessor(checked.settings, log);
  const { heapLimitMiB } = versionInfo();
  const examined = await examine({ ...checked, heapLimitMiB, pod: facts, processorProblem });
  const diagnosis = diagnosisOf(examined);
  await answers.print(asJson ? diagnosisJson(diagnosis) : diagnosisText(diagnosis));
  await answers.finish();
  return diagnosis.canWork ? 0 : 1;
}

async function problemOfProcessor(settings: Settings, log: ForeignLog): Promise<string | undefined> {
  try {
    await loadProcessor(settings.processor, settings, log);
  } catch (error) {
    return error instanceof UsageError ? error.message : `PROCESSOR ${errorText(error)}`;
  }
}
