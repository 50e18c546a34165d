/** Asks the doctor in the process of the test, and does what it advises. */

import { assertEquals } from "@std/assert";
import type { ExaminerOptions } from "../../agent/store/doctor/examiner.ts";
import { checkedSettings } from "../../control/commands/checked_settings.ts";
import type { Step } from "../../control/doctor/concern.ts";
import { type Diagnosis, diagnosisOf, type Finding } from "../../control/doctor/diagnosis.ts";
import { type BeforeExamination, examine } from "../../control/doctor/examine.ts";
import type { TestDatabase } from "./mongod.ts";
import { mongosh } from "./mongosh.ts";
import { COLLECTION } from "./store.ts";
import { TempDir } from "./temp_dir.ts";

/** Where an agent would run: its settings, as variables, and its files. */
export class Patient implements AsyncDisposable {
  readonly env: Record<string, string>;
  readonly #dir: TempDir;
  readonly #known: Partial<BeforeExamination>;
  readonly #options: ExaminerOptions;

  private constructor(env: Record<string, string>, dir: TempDir, known: PatientOptions) {
    const { clock, now, ...rest } = known;
    this.env = env;
    this.#dir = dir;
    this.#known = rest;
    this.#options = { ...(clock && { clock }), ...(now && { now }) };
  }

  static async of(
    { name, uri }: Pick<TestDatabase, "name" | "uri">,
    env: Record<string, string> = {},
    known: PatientOptions = {},
  ): Promise<Patient> {
    const dir = await TempDir.make();
    return new Patient(
      {
        MONGODB_URI: uri,
        MONGODB_DATABASE: name,
        MONGODB_COLLECTION: COLLECTION,
        PROCESSOR: "log",
        AGENT_NAME: "patient",
        HEALTH_DIR: `${dir.path}/health`,
        CONTROL_FILE: `${dir.path}/control/state`,
        ...env,
      },
      dir,
      known,
    );
  }

  get dir(): string {
    return this.#dir.path;
  }

  /** Puts a program in front of those that a shell finds. */
  async install(name: string, script: string): Promise<void> {
    await Deno.mkdir(`${this.dir}/bin`, { recursive: true });
    await Deno.writeTextFile(`${this.dir}/bin/${name}`, `#!/bin/sh\n${script}`, { mode: 0o755 });
  }

  async diagnose(): Promise<Diagnosis> {
    return diagnosisOf(
      await examine({
        ...checkedSettings((name) => this.env[name]),
        heapLimitMiB: 268,
        pod: undefined,
        processorProblem: undefined,
        ...this.#known,
      }, this.#options),
    );
  }

  /** The only finding of a kind. @throws {Error} if there is none, or another one */
  async finding(is: string): Promise<Finding> {
    const diagnosis = await this.diagnose();
    const [found, ...others] = diagnosis.findings.filter((each) => each.is === is);
    if (found && others.length === 0) return found;
    throw new Error(`No finding ${is}, or several: ${JSON.stringify(diagnosis, undefined, 1)}`);
  }

  /** The names of all findings. */
  async found(): Promise<readonly string[]> {
    return (await this.diagnose()).findings.map(({ is }) => is);
  }

  /** Does what a finding advises, but what is done by hand. */
  async mend({ steps }: Pick<Finding, "steps">, client?: TestDatabase["client"]): Promise<void> {
    for (const step of steps) await this.#do(step, client);
  }

  async #do({ text, tool }: Step, client: TestDatabase["client"] | undefined): Promise<void> {
    if (tool === "mongosh") await mongosh(client!, text);
    // A setting is given to a shell as well: so it is quoted as one needs it.
    if (tool === "setting") await this.#inShell(`export ${text}`);
    if (tool === "shell") await this.#inShell(text);
  }

  async #inShell(script: string): Promise<void> {
    const child = new Deno.Command("sh", {
      args: ["-euc", `${script}\nenv -0`],
      env: { ...this.env, PATH: `${this.#dir.path}/bin:${Deno.env.get("PATH")}` },
      clearEnv: true,
    });
    const { code, stderr, stdout } = await child.output();
    assertEquals(code, 0, `${script}: ${new TextDecoder().decode(stderr)}`);
    for (const name of Object.keys(this.env)) delete this.env[name];
    for (const entry of new TextDecoder().decode(stdout).split("\0")) {
      const [name = "", value = ""] = entry.split(/=(.*)/s);
      if (/^[A-Z_]+$/.test(name) && !/^(PATH|PWD|OLDPWD|SHLVL|_)$/.test(name)) this.env[name] = value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir[Symbol.asyncDispose]();
  }
}

/** What a patient may have besides its settings. */
export type PatientOptions = Partial<BeforeExamination> & ExaminerOptions;
