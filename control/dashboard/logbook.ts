import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { RUNNING_EVERY_MS } from "../../agent/store/fleet/actions_log.ts";
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
  /** Documents that were changed. */
  readonly count?: number;
}

/** Work under way that is in the log. */
export interface LoggedWork {
  /** Notes how many documents it has changed in the end. Never throws. */
  end(count: number): Promise<void>;
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

  /** Notes an action that is done. Never throws. */
  async note(action: Action): Promise<void> {
    await this.#add(action, false);
  }

  /**
   * Notes work that begins, and from time to time how far it has come: if this process is killed, the log tells that the
   * work was interrupted. Never throws.
   *
   * @param countNow the documents that were changed so far
   */
  async begin(action: Action, countNow: () => number): Promise<LoggedWork> {
    const id = await this.#add(action, true);
    const ended = new AbortController();
    const tell = async (count: number, isOver: boolean) => {
      if (id !== undefined) {
        await this.#tried(async () => (await this.#fleet.get()).actions.progress(id, count, isOver));
      }
    };
    const telling = (async () => {
      while (await isTime(ended.signal)) await tell(countNow(), false);
    })();
    return {
      end: async (count) => {
        ended.abort();
        // What it tells last counts.
        await telling;
        await tell(count, true);
      },
    };
  }

  /** What was done, the newest first. Never throws. */
  async newest(): Promise<ActionsAnswer> {
    try {
      const found = await (await this.#fleet.get()).actions.newest(SHOWN);
      const actions = found.map(({ action, at, by, count, reason, state, what }) => ({
        at: at?.toISOString() ?? "",
        action: action as ActionRow["action"],
        by,
        reason: reason ?? null,
        what: what ?? null,
        state,
        count: count ?? null,
      }));
      return { actions, trouble: null };
    } catch (error) {
      return { actions: [], trouble: this.#explain(error) };
    }
  }

  /** Returns its id, if the database has it. */
  async #add(action: Action, isRunning: boolean): Promise<string | undefined> {
    const { action: name, actor: { by, reason }, count, what } = action;
    const meant = what === undefined ? "" : ` of ${shortened(what, MAX_WHAT)}`;
    remarks.say(inOneLine(`${name}${meant} by ${by}, because: ${reason}`));
    return await this.#tried(async () => {
      const { actions } = await this.#fleet.get();
      return await actions.add({ action: name, by, reason, what, count, isRunning });
    });
  }

  async #tried<T>(write: () => Promise<T>): Promise<T | undefined> {
    try {
      return await write();
    } catch (error) {
      remarks.say(`pulling-agent: An action is not in the actions log: ${this.#explain(error)}`);
    }
  }
}

/** Whether it is time to tell how far the work has come, and not over. */
async function isTime(over: AbortSignal): Promise<boolean> {
  await sleep(systemClock, RUNNING_EVERY_MS, over);
  return !over.aborted;
}
