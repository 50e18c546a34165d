/**
 * A running agent under test.
 *
 * @module
 */

import { assertFalse } from "@std/assert";
import { constants as osConstants } from "node:os";
import type { Status } from "../../health/status.ts";
import { TextLineStream } from "./text_lines.ts";
import { readProc } from "./proc.ts";
import { DEFAULT_TIMEOUT_MS, waitFor } from "./wait.ts";

/** A line of the agent's log. */
export interface LogEntry {
  /** Its place in the log. */
  index: number;
  level: string;
  message: string;
  [field: string]: unknown;
}

/** Which line of the log is meant: one whose message contains a text, or one that has some other property. */
export type LogMatch = string | ((entry: LogEntry) => boolean);

/** An agent that {@linkcode AgentHome.start} started. */
export class AgentProcess implements AsyncDisposable {
  /** Lines of the log so far. */
  readonly entries: LogEntry[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #healthDir: string;
  readonly #reading: Promise<unknown>;
  #listeners: (() => void)[] = [];
  #stderr = "";
  #status: Deno.CommandStatus | undefined;

  constructor(child: Deno.ChildProcess, healthDir: string) {
    this.#child = child;
    this.#healthDir = healthDir;
    this.#reading = Promise.all([this.#readLog(), this.#readErrors()]);
    Promise.all([child.status, this.#reading]).then(([status]) => {
      this.#status = status;
      this.#changed();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get ended(): boolean {
    return this.#status !== undefined;
  }

  /** What went to standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Everything it has written so far, for searches and failures. */
  get output(): string {
    return this.entries.map(({ index: _, ...entry }) => JSON.stringify(entry)).join("\n") +
      `\n${this.#stderr}`;
  }

  /**
   * Resolves with the first line that matches, after the line `after` if it is given.
   *
   * @throws {Error} after the usual timeout, or when the agent has ended without it; the message holds the log so far
   */
  async log(match: LogMatch, { after }: { after?: LogEntry | undefined } = {}): Promise<LogEntry> {
    const matches = typeof match === "string" ? ({ message }: LogEntry) => message.includes(match) : match;
    return await this.#until(
      `the log line ${match}`,
      () => this.entries.find((entry) => entry.index > (after?.index ?? -1) && matches(entry)),
    );
  }

  /** Whether a line that matches is in the log by now. */
  hasLogged(match: string): boolean {
    return this.entries.some(({ message }) => message.includes(match));
  }

  /**
   * Resolves once the agent has ended, with its exit status.
   *
   * @throws {Error} if it has not within `timeoutMs`; the message holds the log so far
   */
  async exit({ timeoutMs }: { timeoutMs?: number } = {}): Promise<Deno.CommandStatus> {
    return await this.#until("the agent to end", () => this.#status, timeoutMs);
  }

  /** Sends a signal; quiet if the agent has ended. */
  signal(name: Deno.Signal): void {
    try {
      this.#child.kill(name);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Ends it as a crash would, and waits until it is gone. */
  async kill9(): Promise<void> {
    this.signal("SIGKILL");
    await this.exit();
  }

  /** What `status.json` says now. */
  async status(): Promise<Status> {
    return JSON.parse(await Deno.readTextFile(`${this.#healthDir}/status.json`));
  }

  /** Resolves with the status once it is as `accept` wants it. */
  async untilStatus(
    description: string,
    accept: (status: Status) => boolean,
    options: { timeoutMs?: number } = {},
  ): Promise<Status> {
    return await this.#withLog(() =>
      waitFor(description, async () => {
        const { ended } = this;
        const status = await this.status().catch(() => undefined);
        if (status !== undefined && accept(status)) return status;
        assertFalse(ended, `It ended before ${description}`);
      }, options)
    );
  }

  /**
   * Resolves once so many documents are processed or dead letters, as the agent counts them. The database would have to
   * read every document for that, each time it is asked, which takes longer than the work if they are large.
   */
  async untilSettled(count: number, options: { timeoutMs?: number } = {}): Promise<void> {
    const isDone = ({ counters: { processed, dead_lettered: dead, unconfirmed } }: Status) =>
      processed + dead + unconfirmed >= count;
    await this.untilStatus(`${count} documents to be settled`, isDone, options);
  }

  /**
   * Resolves once it listens to signals, which it does before anything else: its settings are not loaded yet. If
   * another program wraps it, `pid` is the agent's own.
   */
  async untilListening(pid = this.pid): Promise<void> {
    const { SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM } = osConstants.signals;
    const wanted = [SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM].reduce(
      (mask, n) => mask | 1n << BigInt(n - 1),
      0n,
    );
    await this.#withLog(() =>
      waitFor("it to listen to signals", async () => {
        const caught = /^SigCgt:\s*(\w+)/m.exec(await readProc(`/proc/${pid}/status`));
        return (BigInt(`0x${caught?.[1]}`) & wanted) === wanted;
      })
    );
  }

  /** Resolves once the readiness file is there. */
  async untilReady(): Promise<void> {
    await this.#withLog(() => waitFor("the readiness file", () => Deno.stat(`${this.#healthDir}/readiness`)));
  }

  /** As {@linkcode waitFor}; the failure holds the log so far as well. */
  async waitFor<T>(description: string, fn: () => T | Promise<T>): Promise<NonNullable<T>> {
    return await this.#withLog(() => waitFor(description, fn));
  }

  /** Kills it if it still runs, and all that it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#child.status;
    await this.#reading;
  }

  async #readLog(): Promise<void> {
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      this.entries.push(parseLine(line, this.entries.length));
      this.#changed();
    }
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) this.#stderr += text;
  }

  #changed(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  async #until<T>(what: string, look: () => T | undefined, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<T> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#changed();
    }, timeoutMs);
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        if (this.#status) throw this.#failure(`It ended (${this.#status.code}) before ${what}`);
        if (isLate) throw this.#failure(`Waited ${timeoutMs} ms for ${what} in vain`);
        await new Promise<void>((resolve) => this.#listeners.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #withLog<T>(wait: () => Promise<T>): Promise<T> {
    try {
      return await wait();
    } catch (error) {
      throw this.#failure((error as Error).message);
    }
  }

  #failure(what: string): Error {
    return new Error(`${what}. The agent (pid ${this.pid}) has written:\n${this.output}`);
  }
}

/** A line of JSON as it is; any other line (a module's own output) as the message of an entry without a level. */
function parseLine(line: string, index: number): LogEntry {
  try {
    const entry = JSON.parse(line);
    if (typeof entry?.message === "string") return { ...entry, index };
  } catch {
    // Not the agent's.
  }
  return { index, level: "", message: line };
}
