import { CommandError, errorText } from "../agent/errors.ts";
import { isNotFound } from "../agent/lib/read_file.ts";
import { HEALTH_FILES, type HealthDir, type HealthFile } from "./health_dir.ts";

/** What each file should hold: `undefined` if it should not be there. */
export type WantedFiles = Readonly<Record<HealthFile, string | undefined>>;

/**
 * Brings the files of a health directory to their wanted contents, and keeps them so.
 *
 * A pass takes one snapshot of what is wanted and writes what differs. A change while it writes asks for another pass:
 * no value that was read before a write is relied on after it, and in the end the files match the last state.
 */
export class HealthFiles {
  readonly #options: HealthFilesOptions;
  /** What the files hold, as far as it is known. */
  readonly #written = new Map<HealthFile, string | undefined>();
  /** A problem was reported since all files could last be written. */
  #hasTold = false;
  #isDue = false;
  #isRenewalDue = false;
  #isStopped = false;
  #passes: Promise<void> | undefined;

  constructor(options: HealthFilesOptions) {
    this.#options = options;
  }

  /** Brings the files up to date, soon. Call it when something has changed. */
  update(): void {
    if (this.#isStopped) return;
    this.#isDue = true;
    this.#passes ??= this.#run();
  }

  /** The same, and checks whether the files still exist: a sweeper of temporary files may have removed them. */
  renew(): void {
    this.#isRenewalDue = true;
    this.update();
  }

  /** Ends all writing; resolves when none is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    // A pass that fails was reported as an error that no code caught.
    await this.#passes?.catch(() => {});
  }

  async #run(): Promise<void> {
    // Changes that come together, such as a pause and the state it leads to, are one pass.
    await null;
    try {
      while (this.#isDue && !this.#isStopped) {
        this.#isDue = false;
        const isRenewal = this.#isRenewalDue;
        this.#isRenewalDue = false;
        await this.#pass(isRenewal);
      }
    } finally {
      // A pass that fails must not keep the next one from being run.
      this.#passes = undefined;
    }
  }

  async #pass(isRenewal: boolean): Promise<void> {
    let problems = await this.#write(isRenewal);
    // The directory was removed in the middle of it: what is missing is made again before anything is reported.
    if (problems.some(isNotFound)) {
      problems = await this.#write(isRenewal);
    }
    for (const error of problems) this.#tell(error);
    if (problems.length > 0 || !this.#hasTold) return;
    this.#hasTold = false;
    this.#options.log.info(`The health directory ${this.#options.directory.path} can be written again`);
  }

  /** Writes what differs; returns what could not be written. */
  async #write(isRenewal: boolean): Promise<unknown[]> {
    const { directory, wanted } = this.#options;
    try {
      if (await directory.keep()) this.#written.clear();
      if (isRenewal) await directory.touch();
    } catch (error) {
      // Nothing is written into a directory that is not this agent's.
      return [error];
    }
    let files: WantedFiles;
    try {
      files = wanted();
    } catch (error) {
      return [error];
    }
    const problems: unknown[] = [];
    for (const file of HEALTH_FILES) {
      try {
        await this.#bring(file, files[file], isRenewal);
      } catch (error) {
        problems.push(error);
      }
    }
    return problems;
  }

  async #bring(file: HealthFile, content: string | undefined, isRenewal: boolean): Promise<void> {
    const { directory } = this.#options;
    const isSame = this.#written.has(file) && this.#written.get(file) === content;
    if (isSame && (!isRenewal || await directory.has(file) === (content !== undefined))) return;
    this.#written.delete(file);
    if (content === undefined) await directory.remove(file);
    else await directory.write(file, content);
    this.#written.set(file, content);
  }

  #tell(error: unknown): void {
    const { directory, log } = this.#options;
    const problem = error instanceof CommandError
      ? error.message
      : `The health directory ${directory.path} cannot be written: ${errorText(error)}`;
    // If a directory is gone or full, several writes fail in different ways: one is reported until all can be written
    // again.
    if (!this.#hasTold) log.error(problem);
    this.#hasTold = true;
  }
}

/** What {@linkcode HealthFiles} need. */
export interface HealthFilesOptions {
  directory: HealthDir;
  /** What the files should hold at this moment, all of it from one state of the agent. */
  wanted(): WantedFiles;
  /** Called once for each different reason why a file cannot be written, and when all can be written again. */
  log: { error(message: string): void; info(message: string): void };
}
