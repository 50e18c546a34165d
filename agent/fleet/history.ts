import type { Details } from "../details.ts";
import type { AgentEvent, Events } from "../events.ts";
import type { Clock } from "../lib/clock.ts";
import { type FleetHistory, HISTORY_STEP_MS, HISTORY_STEPS, MINUTE_STEPS } from "./fleet_view.ts";

/** What happened in one step. */
interface Step {
  processed: number;
  retried: number;
  deadLettered: number;
  pickUpMs: number;
}

/**
 * What an agent has done in the last ten minutes, in steps of ten seconds by the server's clock: those of all agents are
 * the same, so that they can be added. It keeps 60 steps at most, and has no timer.
 */
export class History {
  readonly #options: HistoryOptions;
  readonly #steps: Step[] = [];
  #step = newStep();
  /** When the present step ends, by the monotonic clock; undefined as long as the server's time is not known. */
  #endsMs: number | undefined;
  /** The same by the server's clock. */
  #endsAtMs = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    options.events.subscribe((event) => this.#observe(event));
    options.details.onPickUps((longestMs) => {
      const step = this.#present();
      step.pickUpMs = Math.max(step.pickUpMs, Math.round(longestMs));
    });
  }

  /** The steps that have ended; undefined as long as the server's time is not known. */
  get ended(): FleetHistory | undefined {
    this.#roll();
    if (this.#endsMs === undefined) return undefined;
    // Most agents of most fleets are idle: their entries are small. A rate needs the last minute all the same.
    const first = this.#steps.findIndex(hasContent);
    const from = Math.min(first === -1 ? Infinity : first, this.#steps.length - MINUTE_STEPS);
    const steps = this.#steps.slice(Math.max(0, from));
    const of = <Name extends keyof Step>(name: Name) => steps.map((step) => step[name]);
    return {
      until: new Date(this.#endsAtMs - HISTORY_STEP_MS),
      processed: of("processed"),
      retried: of("retried"),
      deadLettered: of("deadLettered"),
      pickUpMs: of("pickUpMs"),
    };
  }

  #observe(event: AgentEvent): void {
    switch (event.type) {
      case "processed":
        this.#present().processed += event.documents;
        break;
      case "retried":
        this.#present().retried += 1;
        break;
      case "retried_among":
        this.#present().retried += event.documents;
        break;
      case "dead_lettered":
        this.#present().deadLettered += 1;
        break;
    }
  }

  /** The step that what happens now belongs to. */
  #present(): Step {
    this.#roll();
    return this.#step;
  }

  /** Begins a new step, if the present one has ended. What happened before the server's time was known is in the first. */
  #roll(): void {
    const { clock, serverTime } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#endsMs !== undefined && nowMs < this.#endsMs) return;
    const serverMs = serverTime()?.getTime();
    if (serverMs === undefined) return;
    const endsAtMs = serverMs - serverMs % HISTORY_STEP_MS + HISTORY_STEP_MS;
    if (this.#endsMs !== undefined) {
      // The server's clock may have been set back, or far ahead.
      const ended = Math.min(
        HISTORY_STEPS,
        Math.max(1, Math.round((endsAtMs - this.#endsAtMs) / HISTORY_STEP_MS)),
      );
      this.#steps.push(this.#step);
      for (let more = 1; more < ended; more++) this.#steps.push(newStep());
      this.#steps.splice(0, this.#steps.length - HISTORY_STEPS);
      this.#step = newStep();
    }
    this.#endsAtMs = endsAtMs;
    this.#endsMs = nowMs + endsAtMs - serverMs;
  }
}

/** What a {@linkcode History} needs. */
export interface HistoryOptions {
  readonly clock: Clock;
  readonly details: Pick<Details, "onPickUps">;
  readonly events: Events;
  /** The server's time, as far as it is known. */
  serverTime(): Date | undefined;
}

function newStep(): Step {
  return { processed: 0, retried: 0, deadLettered: 0, pickUpMs: 0 };
}

function hasContent({ deadLettered, pickUpMs, processed, retried }: Step): boolean {
  return processed + retried + deadLettered + pickUpMs > 0;
}
