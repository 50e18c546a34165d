import { errorText } from "../agent/errors.ts";
import { secrets } from "../agent/text/redact.ts";
import { printable } from "../agent/text/terminal_text.ts";
import type { AgentEvent, AgentState, Backlog, Events, ServerNote } from "../agent/events.ts";
import type { Agent } from "../agent/agent.ts";
import type { Clock } from "../agent/lib/clock.ts";
import { Activity } from "./activity.ts";
import { type Control, controlStatus } from "./control_status.ts";
import { type Counter, Counters } from "./counters.ts";
import type { LeftAlone } from "../agent/ports.ts";
import type { HealthDir } from "./health_dir.ts";
import { HealthFiles, type WantedFiles } from "./health_files.ts";
import { type LimitOfAgent, limitStatus } from "./limit_status.ts";
import { LastMinute } from "./last_minute.ts";
import { type Stamp, stamp } from "./machine_time.ts";
import { runningStatus } from "./running_status.ts";
import { StuckDetector } from "./stuck_detector.ts";
import type { BacklogStatus, Status } from "./status.ts";
import { Trouble } from "./trouble.ts";

/** If no state changes, other changes are written to the status file at most this often, in milliseconds. */
const STATUS_EVERY_MS = 1000;
/** Documents that are being processed and that the status names, at most. */
const MAX_RUNNING = 10;
/** The status file holds this much of an error, in UTF-16 units. */
const MAX_ERROR_LENGTH = 500;
/** Taken at the start: a user's module may replace the global. */
const { stringify } = JSON;

/** Writes the files for probes and operators: whether the agent lives, is ready, and what it is doing. */
export class HealthReporter {
  readonly #options: HealthReporterOptions;
  readonly #counters = new Counters();
  readonly #lastMinute: LastMinute;
  readonly #trouble: Trouble;
  readonly #activity = new Activity();
  readonly #stuckDetector: StuckDetector;
  readonly #files: HealthFiles;
  readonly #startedAt = new Date();
  #answers = 0;
  #state: AgentState = "starting";
  #stateSince = this.#startedAt;
  #backlog: BacklogStatus | undefined;
  #server: Status["server"];
  #lastError: Status["last_error"];
  #leftAlone: Status["left_alone"];
  /** The content of the last heartbeat; it stays the same while the loop is stuck. */
  #heartbeat: string | undefined;
  #startup: string | undefined;
  /** The content of the readiness file while the agent is ready. */
  #readiness: Stamp & { since: string } | undefined;
  /** Makes the content of the metrics file, if there is to be one. */
  #makeMetrics: (() => string) | undefined;
  #metrics: string | undefined;
  #cancelBeat: (() => void) | undefined;
  #cancelRefresh: (() => void) | undefined;

  constructor(options: HealthReporterOptions) {
    this.#options = options;
    const { clock, directory, log } = options;
    this.#stuckDetector = new StuckDetector(clock);
    this.#lastMinute = new LastMinute(clock, this.#counters.values);
    this.#trouble = new Trouble(options.source);
    this.#files = new HealthFiles({ directory, log, wanted: () => this.#wanted() });
    options.events.subscribe((event) => this.#observe(event));
    options.source?.onChange(() => {
      this.#trouble.sourceChanged();
      this.refresh();
    });
  }

  /** What was counted since the agent's start. */
  get counters(): Readonly<Record<Counter, number>> {
    return this.#counters.values;
  }

  /** Whether a MongoDB server that takes writes is in reach and lets the agent in. */
  get isConnected(): boolean {
    return this.#trouble.isReachable;
  }

  /** Whether the poll loop should have left its stage by now. */
  get isStuck(): boolean {
    return this.#stuckDetector.isStuck;
  }

  /** Writes the metrics file as well from now on, with each heartbeat; `make` makes its content. */
  writeMetrics(make: () => string): void {
    this.#makeMetrics = make;
  }

  /** Starts the heartbeat. Call it before the agent runs. */
  start(): void {
    this.#beatSoon();
    this.refresh();
  }

  /** What the status file would say now. */
  get status(): Status {
    return this.#status(stamp());
  }

  /** Ends the heartbeat and removes the files. */
  async stop(): Promise<void> {
    this.#cancelBeat?.();
    this.#cancelRefresh?.();
    await this.#files.stop();
    await this.#options.directory.close();
  }

  /** Brings the files up to date with the agent's state, soon. */
  refresh(): void {
    this.#files.update();
  }

  /** Shows in the status that a signal to its process id reached this process, and no other. */
  answer(): void {
    this.#answers += 1;
    this.#readMetrics();
    this.refresh();
  }

  /** Whether the agent does its work, as far as it can be known. */
  get isReady(): boolean {
    const isAtWork = this.#state === "running" ||
      (this.#state === "paused" && this.#options.readyWhilePaused);
    return isAtWork && !this.#trouble.exists;
  }

  #observe(event: AgentEvent): void {
    const { stage } = this.#stuckDetector;
    const wasReady = this.isReady;
    if (event.type !== "progress") this.#lastMinute.mark();
    this.#counters.observe(event);
    this.#trouble.observe(event);
    this.#activity.observe(event);
    this.#stuckDetector.observe(event);
    if ("error" in event) this.#lastError = this.#describe(event.error);
    if (event.type === "left_alone") this.#leftAlone = this.#inOne(event.groups);
    if (event.type === "server_known") this.#server = serverStatus(event.server);
    if (event.type === "backlog_seen") this.#backlog = backlogStatus(event);
    if (event.type === "state_changed") this.#enter(event.to);
    if (stage === undefined && this.#stuckDetector.stage !== undefined) this.#loopStarted();
    if (event.type === "pause_changed") this.#pauseChanged();
    else if (event.type === "state_changed" || wasReady !== this.isReady) this.refresh();
    else if (event.type !== "progress") this.#refreshSoon();
  }

  #enter(state: AgentState): void {
    this.#state = state;
    this.#stateSince = new Date();
  }

  /** If the agent claims, its state follows at once and brings the files up to date. */
  #pauseChanged(): void {
    if (this.#state !== "running" && this.#state !== "paused") this.refresh();
  }

  #refreshSoon(): void {
    this.#cancelRefresh ??= this.#options.clock.after(STATUS_EVERY_MS, () => {
      this.#cancelRefresh = undefined;
      this.refresh();
    });
  }

  #beatSoon(): void {
    const { clock, heartbeatIntervalMs } = this.#options;
    this.#cancelBeat = clock.after(heartbeatIntervalMs, () => {
      this.#beatSoon();
      this.#beat();
    });
  }

  #loopStarted(): void {
    this.#startup = stringify(stamp());
    this.#beat();
  }

  /** A heartbeat, unless the loop is stuck: then the file grows old, and the liveness probe sees it. */
  #beat(): void {
    if (this.#stuckDetector.stage !== undefined && !this.#stuckDetector.isStuck) {
      this.#heartbeat = stringify({ ...stamp(), state: this.#state, stage: this.#stuckDetector.stage });
    }
    if (this.#readiness) this.#readiness = { ...this.#readiness, ...stamp() };
    this.#readMetrics();
    this.#files.renew();
  }

  #readMetrics(): void {
    try {
      this.#metrics = this.#makeMetrics?.();
    } catch (error) {
      // Probes look at the other files, which are good.
      reportError(error);
    }
  }

  /** All files, from one state of the agent, so that no two of them disagree. */
  #wanted(): WantedFiles {
    const now = stamp();
    this.#readiness = this.isReady ? this.#readiness ?? { ...now, since: now.at } : undefined;
    return {
      readiness: this.#readiness && stringify(this.#readiness),
      startup: this.#startup,
      liveness: this.#heartbeat,
      "metrics.prom": this.#metrics,
      "status.json": printable(stringify(this.#status(now))),
    };
  }

  /** `scripts/control-agent.sh` of an earlier version relies on the order of `state` to `counters`. */
  #status({ at, ...uptime }: Stamp): Status {
    const { agent, formatId = String, gate, limiter, name, version } = this.#options;
    return {
      pid: Deno.pid,
      answers: this.#answers,
      name,
      version,
      state: this.#state,
      control: controlStatus(gate.current),
      ready: this.isReady,
      connected: this.#trouble.isReachable,
      server: this.#server,
      trouble: this.#trouble.current,
      loop: this.#stuckDetector.status,
      held: agent.held,
      running: runningStatus(agent.running(MAX_RUNNING), { at, formatId }),
      last_minute: this.#lastMinute.counts,
      counters: this.#counters.values,
      backlog: this.#backlog,
      rate_limit: limiter && limitStatus(limiter),
      left_alone: this.#leftAlone,
      last_error: this.#lastError,
      state_since: this.#stateSince.toISOString(),
      ...this.#activity.status,
      started_at: this.#startedAt.toISOString(),
      updated_at: at,
      ...uptime,
      heartbeat_ms: this.#options.heartbeatIntervalMs,
    };
  }

  #inOne([first, ...others]: readonly LeftAlone[]): Status["left_alone"] {
    if (!first) return undefined;
    const { formatId = String } = this.#options;
    return {
      documents: others.reduce((sum, { documents }) => sum + documents, first.documents),
      example: secrets.text(formatId(first.example), MAX_ERROR_LENGTH),
      reason: secrets.text(errorText(first.reason), MAX_ERROR_LENGTH),
    };
  }

  #describe(error: unknown): Status["last_error"] {
    return { at: new Date().toISOString(), message: secrets.text(errorText(error), MAX_ERROR_LENGTH) };
  }
}

function serverStatus({ lacks, name }: ServerNote): Status["server"] {
  return { name: secrets.text(name), lacks };
}

/** What a look has found, as the status shows it; undefined if nothing is known. */
function backlogStatus(
  { agoMs, backlog: { claimable, deadLetters, oldestMs } }: { agoMs: number; backlog: Backlog },
): BacklogStatus | undefined {
  const known = {
    ...(claimable !== undefined && { claimable }),
    ...(oldestMs !== undefined && { oldest_s: Math.round(oldestMs / 1000) }),
    ...(deadLetters !== undefined && { dead_letters: deadLetters }),
  };
  if (Object.keys(known).length === 0) return undefined;
  const at = new Date();
  at.setTime(at.getTime() - agoMs);
  return { ...known, at: at.toISOString() };
}

/** What a {@linkcode HealthReporter} needs. */
export interface HealthReporterOptions {
  clock: Clock;
  directory: HealthDir;
  events: Events;
  heartbeatIntervalMs: number;
  readyWhilePaused: boolean;
  name: string;
  version: string;
  gate: { readonly current: Control };
  agent: Pick<Agent, "held" | "running">;
  /** Whether there is a collection to claim from, as far as is known. */
  source?: { readonly isUsable: boolean; onChange(listener: () => void): void };
  /** If `RATE_LIMIT` is set. */
  limiter?: LimitOfAgent | undefined;
  /** Writes an `_id` for people. */
  formatId?(id: unknown): string;
  /** Called once for each different reason why a health file cannot be written, and when all can be written again. */
  log: { error(message: string): void; info(message: string): void };
}
