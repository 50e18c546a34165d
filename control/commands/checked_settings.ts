import { errorText, UsageError } from "../../agent/errors.ts";
import { type Environment, loadSettings } from "../../agent/settings/load.ts";
import { loadProcessor } from "../../agent/processors/load.ts";
import type { Processing } from "../../agent/processors/processor.ts";
import { secrets } from "../../agent/text/redact.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { parseSourceFilter } from "../../agent/store/filter.ts";
import { findTypos } from "../../agent/settings/typos.ts";
import { uriProblem } from "../../agent/store/connection/uri.ts";

/** Everything that can be known before a database is asked. */
export interface Checked {
  settings: Settings;
  processing: Processing;
  warnings: string[];
}

/**
 * Reads and checks the settings, and loads the processor they name. `variables` are the names of all that is set, to
 * be searched for misspelt ones.
 *
 * @throws {UsageError} With every problem there is, without credentials.
 */
export async function checkedSettings(env: Environment, variables: readonly string[] = []): Promise<Checked> {
  const { values, problems, warnings } = loadSettings(env);
  const found = [...problems];
  const attempt = async <T>(name: string, test: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await test();
    } catch (error) {
      found.push(error instanceof UsageError ? error.message : `${name} ${errorText(error)}`);
    }
  };
  const { mongodbUri, filter, processor: name } = values;
  if (mongodbUri !== undefined) found.push(...uriProblem(mongodbUri));
  if (filter !== undefined) await attempt("FILTER", () => parseSourceFilter(filter));
  const processing = name === undefined ? undefined : await attempt("PROCESSOR", () => loadProcessor(name));
  const typos = findTypos(variables, env);
  found.push(...typos.problems);
  // A required setting that is missing is often one that was misspelt.
  if (found.length > 0) found.push(...typos.warnings);
  if (found.length > 0 || !processing) throw new UsageError(found.map((problem) => secrets.text(problem)));
  return { settings: values as Settings, processing, warnings: [...warnings, ...typos.warnings] };
}
