import type { FleetForCommands } from "../../agent/store/fleet/fleet_for_commands.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { shortened } from "../../agent/text/shortened.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import type { ActionRow, ActionsAnswer } from "./api.ts";
import type { Actor } from "./asked.ts";
import type { Kept } from "./kept.ts";

/** Actions that are shown. */
const SHOWN = 200;
/** This much of what was meant is printed, in UTF-16 units: it may be an `_id` of megabytes. */
const MAX_WHAT = 500;

/** What a viewer did. */
interface Action {
  readonly action: ActionRow["action"];
  readonly actor: Actor;
  /** What was meant, for people. */
  readonly what?: string;
  /** Documents that were changed; undefined if that is not known yet. */
  readonly count?: number;
}

/**
 * Writes down what viewers do, in the database and in the output of this process. An action does not depend on that: to
 * stop agents at night must not fail for want of a right to write about it.
 */
export class Logbook {
  readonly #fleet: Kept<FleetForCommands>;
  readonly #explain: (error: unknown) => string;

  constructor(fleet: Kept<FleetForCommands>, explain: (error: unknown) => string) {
    this.#fleet = fleet;
    this.#explain = explain;
  }

  /** Notes an action; returns its id, if the database has it. Never throws. */
  async note({ action, actor: { by, reason }, count, what }: Action): Promise<string | undefined> {
    const meant = what === undefined ? "" : ` of ${shortened(what, MAX_WHAT)}`;
    remarks.say(inOneLine(`${action}${meant} by ${by}, because: ${reason}`));
    return await this.#tried(async () => {
      const { actions } = await this.#fleet.get();
      return await actions.add({ action, by, reason, what, count });
    });
  }

  /** Notes how many documents an action has changed in the end. Never throws. */
  async finish(id: string | undefined, count: number): Promise<void> {
    if (id !== undefined) await this.#tried(async () => (await this.#fleet.get()).actions.finish(id, count));
  }

  /** What was done, the newest first. Never throws. */
  async newest(): Promise<ActionsAnswer> {
    try {
      const found = await (await this.#fleet.get()).actions.newest(SHOWN);
      const actions = found.map(({ action, at, by, count, reason, what }) => ({
        at: at?.toISOString() ?? "",
        action: action as ActionRow["action"],
        by,
        reason: reason ?? null,
        what: what ?? null,
        count: count ?? null,
      }));
      return { actions, trouble: null };
    } catch (error) {
      return { actions: [], trouble: this.#explain(error) };
    }
  }

  async #tried<T>(write: () => Promise<T>): Promise<T | undefined> {
    try {
      return await write();
    } catch (error) {
      remarks.say(`pulling-agent: An action is not in the actions log: ${this.#explain(error)}`);
    }
  }
}
