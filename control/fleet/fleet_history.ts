import {
  type FleetAgent,
  type FleetHistory,
  HISTORY_STEP_MS,
  HISTORY_STEPS,
  MINUTE_STEPS,
} from "../../agent/fleet/fleet_view.ts";
import type { Overview } from "./overview.ts";

/** An agent may be late by so many steps before the others do not wait for it. */
const LATE_STEPS = 3;

type Counter = "processed" | "retried" | "deadLettered";

/** What an agent, or many, did each second over the last minute. */
export interface Rates {
  readonly processed: number;
  /** Attempts that failed, dead letters among them. */
  readonly failed: number;
}

/**
 * The last ten minutes of all agents together, by the server's clock. What an agent has done stays after its entry is gone,
 * as far as it was seen.
 */
export class SummedHistory {
  readonly #seen = new Map<string, FleetHistory>();
  #untilMs = 0;

  /** Takes in what the agents say of themselves at a time of the server's clock. */
  add(agents: readonly FleetAgent[], at: Date): void {
    for (const { history, id } of agents) if (history) this.#seen.set(id, history);
    const nowMs = stepBefore(at.getTime());
    const reported = agents.flatMap(({ history, presence }) =>
      history && presence === "alive" ? [history.until.getTime()] : []
    );
    // The last step is whole once all that are alive have told theirs: otherwise the sum would seem to fall.
    const earliest = Math.min(nowMs, ...reported);
    this.#untilMs = Math.max(earliest, nowMs - LATE_STEPS * HISTORY_STEP_MS);
    const oldestMs = this.#untilMs - HISTORY_STEPS * HISTORY_STEP_MS;
    for (const [id, { until }] of this.#seen) if (until.getTime() <= oldestMs) this.#seen.delete(id);
  }

  /** The steps of all agents, without what waits. */
  steps(): Omit<Overview["history"], "waiting" | "waiting_capped"> {
    const processed = this.#summed("processed");
    const retried = this.#summed("retried");
    const deadLettered = this.#summed("deadLettered");
    const pickUp = zeros();
    for (const history of this.#seen.values()) {
      this.#each(history, history.pickUpMs, (at, ms) => pickUp[at] = Math.max(pickUp[at]!, ms));
    }
    return {
      every_s: HISTORY_STEP_MS / 1000,
      until: this.until.toISOString(),
      processed,
      failed: retried.map((count, at) => count + deadLettered[at]!),
      dead_letters: deadLettered,
      pick_up_ms: pickUp,
    };
  }

  /** The end of the last step. */
  get until(): Date {
    return new Date(this.#untilMs);
  }

  /** What all agents did each second; undefined if none of them has told. */
  rates(): Rates | undefined {
    const each = [...this.#seen.values()].map((history) => this.ratesOf(history));
    if (each.length === 0) return undefined;
    const sum = (of: (rates: Rates) => number) => each.reduce((all, rates) => all + of(rates), 0);
    return { processed: sum(({ processed }) => processed), failed: sum(({ failed }) => failed) };
  }

  /** What one agent did each second. One that has just begun is judged by the time since. */
  ratesOf(history: FleetHistory | undefined): Rates {
    if (!history) return { processed: 0, failed: 0 };
    const known = Math.min(MINUTE_STEPS, Math.max(1, history.processed.length));
    const perSecond = (counter: Counter) => {
      const steps = zeros();
      this.#each(history, history[counter], (at, count) => steps[at]! += count);
      return steps.slice(-known).reduce((sum, count) => sum + count, 0) / (known * HISTORY_STEP_MS / 1000);
    };
    return { processed: perSecond("processed"), failed: perSecond("retried") + perSecond("deadLettered") };
  }

  #summed(counter: Counter): number[] {
    const sum = zeros();
    for (const history of this.#seen.values()) {
      this.#each(history, history[counter], (at, count) => sum[at]! += count);
    }
    return sum;
  }

  /** Calls `take` with each number of an agent that is one of our steps. */
  #each({ until }: FleetHistory, numbers: readonly number[], take: (at: number, n: number) => void): void {
    const late = Math.round((this.#untilMs - until.getTime()) / HISTORY_STEP_MS);
    const first = HISTORY_STEPS - late - numbers.length;
    for (const [index, n] of numbers.entries()) {
      const at = first + index;
      if (at >= 0 && at < HISTORY_STEPS && Number.isFinite(n)) take(at, n);
    }
  }
}

/** The end of the last whole step before a time, in milliseconds. */
export function stepBefore(timeMs: number): number {
  return Math.floor(timeMs / HISTORY_STEP_MS) * HISTORY_STEP_MS;
}

function zeros(): number[] {
  return new Array<number>(HISTORY_STEPS).fill(0);
}
