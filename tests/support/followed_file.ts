import { assertEquals } from "@std/assert";
import { systemClock } from "../../agent/lib/clock.ts";
import { ControlFile } from "../../control/control_file.ts";
import { waitFor } from "./wait.ts";

/** What a control file may ask for. */
export type FileCommand = "pause" | "resume";

/** A followed file, what it asked for and what was odd about it. */
export class Followed implements AsyncDisposable {
  readonly commands: FileCommand[] = [];
  readonly problems: string[] = [];
  readonly #file: ControlFile;

  constructor(path: string) {
    this.#file = new ControlFile({
      clock: systemClock,
      path,
      gate: { pause: () => this.commands.push("pause"), resume: () => this.commands.push("resume") },
      log: { warn: (message) => this.problems.push(message), info: (message) => this.problems.push(message) },
    });
  }

  static async start(path: string): Promise<Followed> {
    const followed = new Followed(path);
    await followed.#file.start();
    return followed;
  }

  async seesCommands(...expected: FileCommand[]): Promise<void> {
    await waitFor(`the commands ${expected}`, () => this.commands.length >= expected.length);
    assertEquals(this.commands, expected);
  }

  async seesProblem(pattern: RegExp): Promise<void> {
    await waitFor(`a problem ${pattern}`, () => this.problems.some((each) => pattern.test(each)));
  }

  /** Leaves the watcher open, as the agent does: a pipe may hold it forever. */
  async stop(): Promise<void> {
    await this.#file.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
