import type { FleetControl } from "../agent/fleet/fleet_view.ts";
import type { FirstOrders, FleetMembership } from "../agent/fleet/registry.ts";
import { UnusableControl } from "../agent/fleet/unusable_control.ts";
import type { PauseController } from "./pause_controller.ts";

/** Requests that are remembered: none of them acts twice, in which order answers and restored documents ever come. */
const REMEMBERED = 100;

/**
 * Follows what the operators want of all agents of the collection, as a source of pause beside signals and the file. At
 * the start it can only pause: the agent starts paused if any source says so. Later each request that is new acts.
 */
export class FleetPause implements FirstOrders {
  readonly #options: FleetPauseOptions;
  /** The states that were asked for, by the ids of the requests. */
  readonly #seen = new Map<string, FleetControl["state"]>();
  /** What was wrong with the last request. */
  #problem: string | undefined;
  #areKnown = false;
  /** Whether the request of the start was read. */
  #hasRead = false;
  #reading: Promise<void> | undefined;
  #actedOn: string | undefined;

  constructor(options: FleetPauseOptions) {
    this.#options = options;
  }

  get areKnown(): boolean {
    return this.#areKnown;
  }

  /** The id of the last request that the agent has acted on. */
  get actedOn(): string | undefined {
    return this.#actedOn;
  }

  /**
   * Reads what is wanted, unless the registry cannot be used at all: then the agent goes without. Throws what the database
   * throws if it is out of reach.
   */
  async know(): Promise<void> {
    try {
      // One that is under way is early enough: nothing was claimed yet.
      await (this.#reading ?? this.read());
    } catch (error) {
      if (this.#options.registry.isTransient(error)) throw error;
      this.#areKnown = true;
    }
  }

  /** Reads what is wanted as of now, and acts on it. Throws what the database throws. */
  async read(): Promise<void> {
    // Two answers must not overtake each other. One that is under way may be from before the change.
    while (this.#reading) await this.#reading.catch(() => {});
    await (this.#reading = this.#read().finally(() => this.#reading = undefined));
  }

  async #read(): Promise<void> {
    const { gate, registry } = this.#options;
    const control = await registry.control();
    const isFirst = !this.#hasRead;
    this.#hasRead = this.#areKnown = true;
    if (control instanceof UnusableControl) return this.#tell(control.problem);
    const before = control && this.#seen.get(control.id);
    this.#tell(control && before && before !== control.state ? SAME_ID : undefined);
    if (!control || before) return;
    this.#remember(control);
    const why = { by: control.by, reason: control.reason };
    if (control.state === "paused") gate.pause("fleet", why);
    else if (!isFirst) gate.resume("fleet", why);
    this.#actedOn = control.id;
  }

  /** Reports what is wrong with a request, once as long as it lasts. */
  #tell(problem: string | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    if (problem === undefined) return;
    this.#options.log.warn(
      "Cannot act on what is asked of the fleet: write it with `pulling-agent pause --fleet` or `resume --fleet`",
      { collection: this.#options.registry.name, problem },
    );
  }

  #remember({ id, state }: FleetControl): void {
    this.#seen.set(id, state);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > REMEMBERED) this.#seen.delete(oldest!);
  }
}

/** A request that was edited, or one that agents do not know for a new one. */
const SAME_ID =
  "its id is that of an earlier request with another state, and must be another one for each request";

/** What a {@linkcode FleetPause} needs. */
export interface FleetPauseOptions {
  gate: Pick<PauseController, "pause" | "resume">;
  log: { warn(message: string, fields: { collection: string; problem: string }): void };
  registry: Pick<FleetMembership, "control" | "isTransient" | "name">;
}
