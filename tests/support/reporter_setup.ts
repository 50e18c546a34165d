import { exists } from "@std/fs/exists";
import { type AgentEvent, type AgentState, Events } from "../../agent/events.ts";
import type { RunningDocument } from "../../agent/handling/handler_run.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { HealthDir } from "../../health/health_dir.ts";
import { HealthReporter } from "../../health/health_reporter.ts";
import { readStatus, type Status } from "../../health/status.ts";
import { TempDir } from "./temp_dir.ts";
import { waitFor } from "./wait.ts";

/** MongoDB came into reach, or was lost. */
export const reachable = (isReachable: boolean): AgentEvent => ({ type: "reachable_changed", isReachable });

/** What can be chosen for a {@linkcode ReporterSetup}. */
export interface SetupOptions {
  readyWhilePaused?: boolean | undefined;
  heartbeatMs?: number;
}

/** A reporter on a directory of its own, and what an agent would tell it. */
export class ReporterSetup implements AsyncDisposable {
  readonly events = new Events();
  readonly problems: string[] = [];
  readonly mended: string[] = [];
  readonly control = { state: "running" as "running" | "paused", source: "start", since: new Date(0) };
  /** What is being processed, as the agent would tell it. */
  running: RunningDocument[] = [];
  readonly reporter: HealthReporter;
  readonly directory: HealthDir;
  readonly path: string;
  readonly #dir: TempDir;
  #asked = 0;

  private constructor(dir: TempDir, directory: HealthDir, options: SetupOptions) {
    this.#dir = dir;
    this.directory = directory;
    this.path = dir.path;
    this.reporter = new HealthReporter({
      clock: systemClock,
      directory,
      events: this.events,
      heartbeatIntervalMs: options.heartbeatMs ?? 10,
      readyWhilePaused: options.readyWhilePaused ?? false,
      name: "pod-1",
      version: "1.2.3",
      gate: { current: this.control },
      agent: { held: { documents: 3, running: 2 }, running: (limit) => this.running.slice(0, limit) },
      log: {
        error: (message) => this.problems.push(message),
        info: (message) => this.mended.push(message),
      },
    });
    this.reporter.start();
  }

  static async make(options: SetupOptions = {}): Promise<ReporterSetup> {
    const dir = await TempDir.make();
    return new ReporterSetup(dir, await HealthDir.open(dir.path), options);
  }

  /** One that is ready, with all its files. */
  static async ready(): Promise<ReporterSetup> {
    const s = await ReporterSetup.make();
    s.progress(60_000);
    s.enter("running");
    s.emit(reachable(true));
    for (const file of ["liveness", "readiness", "startup", "status.json"]) {
      await waitFor(file, () => s.has(file));
    }
    return s;
  }

  /** As a pause or a resume is seen from here: the control first, the state after. */
  pause(isPaused: boolean): void {
    const state = isPaused ? "paused" : "running";
    this.control.state = state;
    this.emit({ type: "pause_changed", state, source: "signal" });
    this.enter(state);
  }

  emit(...events: AgentEvent[]): void {
    for (const event of events) this.events.emit(event);
  }

  enter(...states: AgentState[]): void {
    for (const to of states) this.emit({ type: "state_changed", from: "starting", to });
  }

  progress(inMs: number): void {
    this.emit({ type: "progress", stage: "claiming", deadlineMs: performance.now() + inMs });
  }

  /** As a sweeper does it. A file that is written meanwhile keeps the directory. */
  async removeDirectory(): Promise<void> {
    await waitFor(
      "the directory to be gone",
      () => Deno.remove(this.path, { recursive: true }).then(() => true),
    );
  }

  has(file: string): Promise<boolean> {
    return exists(`${this.path}/${file}`);
  }

  read(file: string): Promise<string> {
    return Deno.readTextFile(`${this.path}/${file}`);
  }

  /** Waits until the status file says so. */
  status(description: string, accept: (status: Status) => boolean): Promise<Status> {
    return waitFor(description, async () => {
      const status = await readStatus(this.path);
      return status && accept(status) ? status : undefined;
    });
  }

  /** Waits until the files show all that has happened so far; returns the status. */
  async atRest(): Promise<Status> {
    this.reporter.answer();
    this.#asked += 1;
    return await this.status("the files to be at rest", ({ answers }) => answers === this.#asked);
  }

  /** Waits until the status has been written anew `count` times: the heartbeat has passed by as often. */
  async beats(count: number): Promise<void> {
    for (let beat = 0; beat < count; beat++) {
      const last = (await this.status("a status", () => true)).updated_at;
      await this.status("the next status", ({ updated_at: at }) => at !== last);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reporter.stop();
    await this.#dir[Symbol.asyncDispose]();
  }
}
