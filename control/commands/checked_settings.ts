import type { Document, Filter } from "mongodb";
import { errorText, UsageError } from "../../agent/errors.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { loadSettings } from "../../agent/settings/load_settings.ts";
import { loadProcessor } from "../../agent/processors/load_processor.ts";
import { type ForeignLog, SILENT } from "../../agent/processors/foreign_log.ts";
import type { Processing } from "../../agent/processors/processor.ts";
import { secrets } from "../../agent/text/redact.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { parseSourceFilter } from "../../agent/store/filter.ts";
import { findTypos } from "../../agent/settings/typos.ts";
import type { Webhook } from "../alerts/webhook.ts";
import { uriProblem } from "../../agent/store/connection/uri.ts";

/** All settings, and all that can be known of them before the agent asks a database. */
export interface CheckedSettings {
  settings: Settings;
  /** The query in `FILTER`. */
  filter: Filter<Document> | undefined;
  warnings: string[];
}

/** What a run starts with. */
export interface Checked extends CheckedSettings {
  processing: Processing;
  /** Where dead letters are reported to, if `ON_DEAD_LETTER` is set. */
  webhook: Webhook | undefined;
}

/**
 * Reads and checks the settings. `variables` are the names of all variables that are set, to be searched for misspelt
 * ones.
 *
 * @throws {UsageError} With every problem there is, without credentials.
 */
export function checkedSettings(env: Environment, variables: readonly string[] = []): CheckedSettings {
  return complete(lookAt(env, variables));
}

/**
 * The same, and loads the processor that they name; `log` takes what the processor writes and what belongs to no document.
 *
 * @throws {UsageError} With every problem of both, without credentials.
 */
export async function settingsAndProcessor(
  env: Environment,
  variables: readonly string[] = [],
  log: ForeignLog = SILENT,
): Promise<Checked> {
  const found = lookAt(env, variables);
  const processing = await loaded(found, log);
  const webhook = await openedWebhook(found);
  return { ...complete(found), processing: processing!, webhook };
}

/** The settings that were found, right or wrong. */
interface Found {
  values: Partial<Settings>;
  filter: Filter<Document> | undefined;
  problems: string[];
  warnings: string[];
  /** Settings that seem to be misspelt: often the reason why another one is missing. */
  misspelt: string[];
}

function lookAt(env: Environment, variables: readonly string[]): Found {
  const { values, problems, warnings } = loadSettings(env);
  const { mongodbUri, mongodbUriFile } = values;
  if (mongodbUri !== undefined) {
    problems.push(
      ...uriProblem(mongodbUri, mongodbUriFile === undefined ? "MONGODB_URI" : "MONGODB_URI_FILE"),
    );
  }
  let filter: Filter<Document> | undefined;
  try {
    filter = values.filter === undefined ? undefined : parseSourceFilter(values.filter);
  } catch (error) {
    problems.push(`FILTER ${errorText(error)}`);
  }
  const typos = findTypos(variables, env);
  problems.push(...typos.problems);
  return { values, filter, problems, warnings, misspelt: typos.warnings };
}

/** The processor; undefined if there is a problem with it, which is added to the others. */
async function loaded({ values, problems }: Found, log: ForeignLog): Promise<Processing | undefined> {
  if (values.processor === undefined) return undefined;
  try {
    return await loadProcessor(values.processor, values, log);
  } catch (error) {
    problems.push(error instanceof UsageError ? error.message : `PROCESSOR ${errorText(error)}`);
  }
}

/** The webhook that is set; undefined if there is a problem with it, which is added to the others. */
async function openedWebhook({ values, problems }: Found): Promise<Webhook | undefined> {
  if (values.onDeadLetter === undefined) return undefined;
  const { Webhook } = await import("../alerts/webhook.ts");
  try {
    return await Webhook.open(values.onDeadLetter, values);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // Of a file that the processor cannot use either, one sentence is enough.
    problems.push(...error.problems.filter((problem) => !problems.includes(problem)));
  }
}

function complete({ values, filter, problems, warnings, misspelt }: Found): CheckedSettings {
  if (problems.length > 0) {
    throw new UsageError([...problems, ...misspelt].map((problem) => secrets.text(problem)));
  }
  return { settings: values as Settings, filter, warnings: [...warnings, ...misspelt] };
}
