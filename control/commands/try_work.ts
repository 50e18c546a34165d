import { errorText, UsageError } from "../../agent/errors.ts";
import { chunks } from "../../agent/lib/chunks.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import type { DocumentsToTry } from "../../agent/store/documents_to_try.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import type { MongoLeasedDocument } from "../../agent/store/documents/leased_document.ts";
import { nextRunOfNew } from "../../agent/store/documents/next_run.ts";
import type { ForeignLog } from "../../agent/processors/foreign_log.ts";
import { DocumentLogs } from "../../agent/telemetry/document_log.ts";
import { Logger } from "../../agent/telemetry/logger.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { inOneLine, printable } from "../../agent/text/terminal_text.ts";
import { endOnceDone } from "../interruption.ts";
import { ModuleConsole } from "../module_console.ts";
import { guardAgainstModule } from "../module_guard.ts";
import { readDocuments } from "../try/documents_file.ts";
import { Trial } from "../try/trial.ts";
import { commandStore } from "./command_store.ts";
import { storeFailure } from "./store_failure.ts";
import {
  HEAD,
  type TriedDocument,
  triedJson,
  triedLine,
  type Verdict,
  verdictOf,
} from "../try/tried_text.ts";
import { type Checked, settingsAndProcessor } from "./checked_settings.ts";

/** Documents that are tried if the user does not tell how many. */
const DEFAULT_LIMIT = 10;

/** On which documents to try the processor, from the command line; without any of them, on the next ones. */
export interface TryTask {
  /** As they were typed. */
  ids: readonly string[] | undefined;
  /** The path of a file of documents; `-` is standard input. */
  file: string | undefined;
  limit: number | undefined;
  asJson: boolean;
}

/** Settings that tell where documents are: documents of a file have no place, unless the user gives one. */
const NO_PLACE: Record<string, string> = {
  MONGODB_URI: "mongodb://localhost",
  MONGODB_DATABASE: "test",
  MONGODB_COLLECTION: "documents",
};

/**
 * Runs the processor on documents and prints what would become of each; returns the exit status. It claims nothing, and
 * writes nothing.
 *
 * @throws {UsageError} if the settings, the processor or the file cannot be used.
 * @throws {CommandError} if the database refuses, or is out of reach.
 */
export async function tryProcessor(task: TryTask, env: Environment): Promise<number> {
  await guardAgainstModule(env, { startsPrograms: true });
  const said: ForeignLog = { write: (_, text) => remarks.say(text) };
  new ModuleConsole((level, text) => said.write(level, text));
  const { file } = task;
  const variables = Object.keys(Deno.env.toObject());
  const checked = await settingsAndProcessor(file === undefined ? env : withoutPlace(env), variables, said);
  for (const warning of checked.warnings) remarks.say(`Warning: ${inOneLine(warning)}`);
  const { settings, processing } = checked;
  const { logLevel: level, logFormat: format } = settings;
  const output = { add: (line: string) => remarks.say(line), lose: () => {} };
  const logs = new DocumentLogs(new Logger({ level, format, output }), formatId);
  const trial = new Trial({ processing, settings, logs });
  endOnceDone(() => trial.stop());
  const report = new Report(settings, task.asJson);
  try {
    if (file !== undefined) await tryAll(await documentsOf(file, settings), trial, report);
    else await tryStored(checked, task, trial, report);
    return await report.end();
  } finally {
    await trial.close();
  }
}

/** The environment for documents that are in no database: what names one may be missing. */
function withoutPlace(env: Environment): Environment {
  const given = (variable: string) => env(variable)?.trim() || undefined;
  return (variable) => {
    if (variable === "MONGODB_URI" && given("MONGODB_URI_FILE") !== undefined) return env(variable);
    return given(variable) ?? NO_PLACE[variable];
  };
}

/** The documents of a file. */
async function documentsOf(path: string, settings: Settings): Promise<MongoLeasedDocument[]> {
  const { mongodbCollection, mongodbDatabase } = settings;
  const documents = await readDocuments({ path, said: path === "-" ? "standard input" : `--file ${path}` });
  return documents.map((document, at) => {
    try {
      return nextRunOfNew(document, `${mongodbDatabase}.${mongodbCollection}`);
    } catch (error) {
      throw new UsageError(
        `Document ${at + 1} of ${path} cannot be stored (${inOneLine(errorText(error))}): mend it`,
        { cause: error },
      );
    }
  });
}

async function tryStored(
  { settings, filter }: Checked,
  { ids, limit = DEFAULT_LIMIT }: TryTask,
  trial: Trial,
  report: Report,
): Promise<void> {
  const store = commandStore(settings, filter);
  try {
    await store.source.look();
    const stored = await store.forCommands.documentsToTry();
    await tryAll(ids ? withIds(ids, stored, report) : stored.next(limit), trial, report);
  } catch (error) {
    throw storeFailure("try", error);
  } finally {
    await store.close();
  }
}

async function* withIds(
  ids: readonly string[],
  stored: DocumentsToTry,
  report: Report,
): AsyncGenerator<MongoLeasedDocument> {
  // People may type the same id in several ways.
  const seen = new Set<string>();
  for (const id of ids) {
    const found = await stored.withId(id);
    if (found.length === 0) report.miss(id);
    for (const document of found) {
      if (seen.has(document.idempotencyKey)) continue;
      seen.add(document.idempotencyKey);
      yield document;
    }
  }
}

async function tryAll(
  documents: AsyncIterable<MongoLeasedDocument> | Iterable<MongoLeasedDocument>,
  trial: Trial,
  report: Report,
): Promise<void> {
  for await (const some of chunks(documents, trial.batchSize)) {
    for (const tried of await trial.run(some)) await report.add(tried);
  }
}

/** What is printed of a trial. */
class Report {
  readonly #maxAttempts: number;
  readonly #asJson: boolean;
  readonly #counts: Record<Verdict, number> = { processed: 0, snoozed: 0, retry: 0, dead_letter: 0 };
  #missed = 0;

  constructor({ maxAttempts }: Settings, asJson: boolean) {
    this.#maxAttempts = maxAttempts;
    this.#asJson = asJson;
  }

  get #count(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count);
  }

  /** Prints the result of a document. */
  async add(tried: TriedDocument): Promise<void> {
    if (!this.#asJson && this.#count === 0) await answers.print(HEAD);
    this.#counts[verdictOf(tried)] += 1;
    await answers.print(this.#asJson ? triedJson(tried) : triedLine(tried, this.#maxAttempts));
  }

  /** There is no document with an id that was given. */
  miss(id: string): void {
    this.#missed += 1;
    remarks.say(`There is no document with the id ${printable(JSON.stringify(id))}`);
  }

  /** Resolves with the exit status, once all is printed. */
  async end(): Promise<number> {
    await answers.finish();
    const { processed, snoozed, retry, dead_letter: dead } = this.#counts;
    if (this.#count === 0 && this.#missed === 0) {
      remarks.say("No document can be claimed now: give --id or --file for one that cannot");
    } else if (!this.#asJson) {
      const off = snoozed > 0 ? `${snoozed} snoozed, ` : "";
      remarks.say(`${processed} processed, ${off}${retry} to retry, ${dead} dead: nothing was written`);
    }
    return retry + dead + this.#missed > 0 ? 1 : 0;
  }
}
