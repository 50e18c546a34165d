/**
 * A terminal of tmux, so that a test sees what a person would see.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { AgentHome } from "./agent_home.ts";
import { isMissing } from "./optional.ts";
import { waitFor } from "./wait.ts";

/** Whether the tests that need tmux are to be left out. */
export const TMUX_IS_MISSING = await isMissing({
  what: "tests of the screen of top",
  why: "there is no tmux",
  install: "install tmux (apt-get install tmux)",
  probe: ["tmux", "-V"],
});

/** What is on the terminal before and after the command. */
export const [BEFORE, AFTER] = ["before the command", "ended with"];

/**
 * Runs the words behind `sh -c SCRIPT SOCKET` in a terminal. What the command leaves behind stays on the screen until the
 * terminal is ended.
 */
const SCRIPT = `exec tmux -u -S "$0" -f /dev/null new-session -d -x 80 -y 24 ` +
  `"echo ${BEFORE}; stty -g >'$0.before'; sh -c 'echo \\$\\$ >$0.pid; exec $*'; echo ${AFTER} \\$?; stty -g >'$0.after'; cat"`;

/** A command in a terminal of 80x24; `await using` ends both. */
export class TmuxTerminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Starts a command of the binary with the environment of a home. */
  static async start(home: AgentHome, args: string[], env: Record<string, string | undefined> = {}) {
    const socket = `${home.dir}/tmux`;
    const started = await home.runWith({ args, env, wrapper: ["sh", "-c", SCRIPT, socket] });
    assertEquals(started, { code: 0, stdout: "", stderr: "" });
    return new TmuxTerminal(socket);
  }

  /** Starts another program; its words have no blanks. The socket is in `dir`. */
  static async startProgram(dir: string, words: readonly string[]) {
    const socket = `${dir}/tmux`;
    const { success, stderr } = await new Deno.Command("sh", { args: ["-c", SCRIPT, socket, ...words] })
      .output();
    assert(success, new TextDecoder().decode(stderr));
    return new TmuxTerminal(socket);
  }

  /** What is on the screen; with the colours if it is told. */
  async lines({ withColors = false } = {}): Promise<string[]> {
    return (await this.#tmux("capture-pane", "-p", ...withColors ? ["-e"] : [])).trimEnd().split("\n");
  }

  /** Waits until what is on the screen matches; returns its lines. */
  until(pattern: RegExp, how: { timeoutMs?: number } = {}): Promise<string[]> {
    return waitFor(`${pattern} on the screen`, async () => {
      const lines = await this.lines();
      if (!pattern.test(lines.join("\n"))) throw new Error(lines.join("\n"));
      return lines;
    }, how);
  }

  /** Presses keys, by the names of tmux. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Sends the command a signal. */
  async signal(signal: Deno.Signal): Promise<void> {
    Deno.kill(Number(await Deno.readTextFile(`${this.#socket}.pid`)), signal);
  }

  /** How the terminal was set before and after the command. */
  async modes(): Promise<[before: string, after: string]> {
    return [
      await Deno.readTextFile(`${this.#socket}.before`),
      await Deno.readTextFile(`${this.#socket}.after`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server").catch(() => {});
  }

  async #tmux(...args: string[]): Promise<string> {
    const { stderr, stdout, success } = await new Deno.Command("tmux", {
      args: ["-u", "-S", this.#socket, ...args],
    })
      .output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  }
}
