import type { FleetAgent, FleetLook } from "../../agent/fleet/fleet_view.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import type { NewestLetters } from "../../agent/store/dead_letters/letters_for_commands.ts";
import { refusedText } from "../../agent/store/fleet/refused_text.ts";
import type { WorkCounts, WorkLook } from "../../agent/store/fleet/work_counts.ts";
import { isAnswer } from "../../agent/store/mongo_errors.ts";
import { errorsOfAgents, errorsOfLetters } from "./error_rows.ts";
import { SummedHistory } from "./fleet_history.ts";
import type { AgentRow, ErrorRow, Overview } from "./overview.ts";
import { controlProblemText } from "./fleet_text.ts";
import { Paced } from "./paced.ts";
import { troubleText } from "./trouble_text.ts";
import { WaitingTrend } from "./waiting_trend.ts";

/** Dead letters whose errors are put into groups. */
const LETTERS = 1000;
/** Answers are kept for at least so long, in milliseconds. */
const KEPT_MS = { work: 1000, fleet: 900, letters: 10_000 } as const;
/** Agents that are shown. */
const MAX_AGENTS = 500;

/** What fails, as far as it could be found out. */
interface Errors {
  readonly rows: readonly ErrorRow[];
  readonly notes: readonly string[];
}

/**
 * Looks at a collection and at its agents, as often as it is asked: it decides by itself how often it asks the server, so
 * that any number of viewers costs the same.
 */
export class OverviewReader {
  readonly #options: OverviewReaderOptions;
  readonly #fleet: Paced<FleetSeen>;
  readonly #letters: Paced<Errors>;
  readonly #work: Paced<WorkLook>;
  readonly #history = new SummedHistory();
  readonly #trend = new WaitingTrend();

  constructor(options: OverviewReaderOptions) {
    const { clock, work } = options;
    this.#options = options;
    this.#fleet = new Paced(() => this.#askFleet(), clock, KEPT_MS.fleet);
    this.#letters = new Paced(() => this.#askLetters(), clock, KEPT_MS.letters);
    this.#work = new Paced(() => work.look(), clock, KEPT_MS.work);
  }

  /** Makes the next look ask for the agents and their control anew: it was changed. */
  forgetFleet(): void {
    this.#fleet.forget();
  }

  /**
   * Looks: each part is asked for anew if its answer is too old, once for all who ask meanwhile. Throws what the driver
   * throws if the server does not answer.
   */
  async look(): Promise<Overview> {
    const [work, fleet, errors] = await Promise.all([
      this.#work.get(),
      this.#fleet.get(),
      this.#letters.get(),
    ]);
    const { agents, backlog, control, controlProblem } = fleet;
    const at = fleet.at ?? work.at;
    this.#history.add(agents, at);
    if (work.waiting) this.#trend.add(work.at, work.waiting);
    const rates = this.#history.rates();
    const processedPerS = rates ? rounded(rates.processed) : null;
    return {
      at: at.toISOString(),
      source: this.#options.source,
      control: control
        ? {
          state: control.state,
          by: control.by,
          reason: control.reason ?? null,
          at: control.at.toISOString(),
        }
        : null,
      control_problem: controlProblem === undefined ? null : controlProblemText(controlProblem),
      work: {
        waiting: work.waiting ?? null,
        oldest_s: seconds(work.oldestMs),
        scheduled: work.scheduled ?? null,
        next_due_s: seconds(work.nextDueMs),
        in_flight: work.inFlight ?? null,
        dead_letters: work.deadLetters ?? null,
        at_least: {
          waiting: work.atLeast.waiting ?? null,
          scheduled: work.atLeast.scheduled ?? null,
          in_flight: work.atLeast.inFlight ?? null,
          dead_letters: work.atLeast.deadLetters ?? null,
        },
        processed_per_s: processedPerS,
        failed_per_s: rates ? rounded(rates.failed) : null,
        drained_in_s: work.waiting ? this.#trend.drainedInS(processedPerS) : null,
      },
      history: { ...this.#history.steps(), ...this.#trend.history(this.#history.until, backlog) },
      agents: agents.slice(0, MAX_AGENTS).map((agent) => this.#row(agent)),
      agents_total: agents.length,
      errors: [...errors.rows, ...errorsOfAgents(agents)],
      notes: [...work.notes, ...fleet.notes, ...errors.notes],
    };
  }

  #row(agent: FleetAgent): AgentRow {
    const { control, history, lastError } = agent;
    return {
      id: agent.id,
      name: agent.name,
      version: agent.version,
      presence: agent.presence,
      state: agent.state,
      ready: agent.isReady,
      trouble: agent.trouble === undefined ? null : troubleText(agent.trouble),
      paused: control.state === "paused"
        ? {
          source: control.source,
          by: control.by ?? null,
          reason: control.reason ?? null,
          since: control.since?.toISOString() ?? null,
        }
        : null,
      held: agent.held,
      running: agent.running,
      processed_per_s: rounded(this.#history.ratesOf(history).processed),
      started_at: agent.startedAt.toISOString(),
      silent_s: Math.max(0, Math.round(agent.silentMs / 1000)),
      last_error: lastError ? { at: lastError.at.toISOString(), message: lastError.message } : null,
    };
  }

  async #askFleet(): Promise<FleetSeen> {
    try {
      const look = await this.#options.fleet.look();
      const { length } = look.withoutStatus;
      const others = length === 1 ? "One agent is" : `${length} agents are`;
      return { ...look, notes: length === 0 ? [] : [`${others} ${WITHOUT_STATUS}`] };
    } catch (error) {
      return { ...NO_FLEET, notes: [refusedNote("The agents are not shown", error)] };
    }
  }

  async #askLetters(): Promise<Errors> {
    try {
      const { exact, letters } = await this.#options.letters.newest(LETTERS);
      const notes = exact ? [] : [BY_ID_NOTE];
      return { rows: errorsOfLetters(letters), notes };
    } catch (error) {
      return { rows: [], notes: [refusedNote("What dead letters failed with is not shown", error)] };
    }
  }
}

/** What was seen of the agents; without the time if they may not be read. */
type FleetSeen = Pick<FleetLook, "agents" | "backlog" | "control" | "controlProblem"> & {
  readonly at: Date | undefined;
  readonly notes: readonly string[];
};
const NO_FLEET: Omit<FleetSeen, "notes"> = {
  at: undefined,
  agents: [],
  backlog: [],
  control: undefined,
  controlProblem: undefined,
};

const WITHOUT_STATUS = "not shown: of an earlier version, or with FLEET=off";
const BY_ID_NOTE =
  `The errors are those of the dead letters with the highest _id: for the newest, make an index on dead_at`;

/** What to say of an answer of the server. An error that is none is thrown. */
function refusedNote(what: string, error: unknown): string {
  if (!isAnswer(error)) throw error;
  return `${what}: ${refusedText(error)}`;
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms / 1000);
}

/** Rates have two digits after the point at most. */
function rounded(perSecond: number): number {
  return Math.round(perSecond * 100) / 100;
}

/** What an {@linkcode OverviewReader} needs. */
export interface OverviewReaderOptions {
  clock: Clock;
  fleet: { look(): Promise<FleetLook> };
  letters: { newest(limit: number): Promise<NewestLetters> };
  /** The database and the collection, as they are shown. */
  source: string;
  work: Pick<WorkCounts, "look">;
}
