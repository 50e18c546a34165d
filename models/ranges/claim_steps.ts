import type { Step } from "../explorer.ts";
import { modeTaken, swapped } from "./control_writes.ts";
import { lostAnswer } from "./lost_answer.ts";
import type { RangeProtocol } from "./protocol.ts";
import type { Range } from "./range.ts";
import {
  controlOf,
  faulty,
  freshToken,
  interval,
  isNew,
  newWithin,
  type RangeState,
  START,
  withTask,
} from "./state.ts";
import type { Task, TaskOf } from "./task.ts";

/** How an agent in range mode claims a range. */
export class ClaimSteps {
  readonly #protocol: RangeProtocol;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
  }

  /** What an idle agent can do about new documents. */
  idle(state: RangeState, at: number, name: string): Step<RangeState>[] {
    const { position, version, ranges, mode } = state;
    if (!this.#protocol.hasFilterOfRanges(at)) return [];
    if (mode.name !== "range") return this.#takeMode(state, at, name);
    const gaps = this.#gaps(state, position, ranges, at);
    const alarm = this.#look(state, at, name);
    if (!this.#protocol.has("readsControlFirst")) {
      return gaps.map(({ from, ids }) => ({
        label: `${name} reads the ids of ${list(ids)}`,
        state: withTask(state, at, { kind: "ids", from, ids }),
      }));
    }
    if (gaps.length === 0) return alarm;
    const label = `${name} reads the control document: ${placeOf(position)}`;
    return [...alarm, {
      label,
      state: withTask(state, at, { kind: "control", position, version, ranges }),
    }];
  }

  control(state: RangeState, at: number, name: string, task: TaskOf<"control">): Step<RangeState>[] {
    const { position, version, ranges } = task;
    const gaps = this.#gaps(state, position, ranges, at);
    if (gaps.length === 0) return [{ label: `${name} finds no new document`, state: withTask(state, at) }];
    return gaps.map(({ from, ids, isAside, place }) => ({
      label: `${name} reads the ids of ${list(ids)}${place}`,
      state: withTask(state, at, { kind: "swap", position, version, from, ids, isAside }),
    }));
  }

  ids(state: RangeState, at: number, name: string, { from, ids }: TaskOf<"ids">): Step<RangeState>[] {
    const { position, version } = state;
    const label = `${name} reads the control document: ${placeOf(position)}`;
    const swap: Task = { kind: "swap", position, version, from, ids, isAside: false };
    return [{ label, state: withTask(state, at, swap) }];
  }

  swap(state: RangeState, at: number, name: string, task: TaskOf<"swap">): Step<RangeState>[] {
    const { position, version, from, ids, isAside } = task;
    const token = freshToken(state);
    const to = ids.at(-1)!;
    const swap = { position, version, from, to, token, isAside };
    const after = swapped(state, swap, this.#protocol);
    const held: Task = { kind: "range", token, todo: ids, done: [], sent: [], own: [] };
    const idle = withTask(state, at);
    const cutOff = after && faulty(withTask(after, at), "failover");
    return [
      after
        ? { label: `${name} claims ${interval(swap)} under t${token}`, state: withTask(after, at, held) }
        : { label: `${name}'s swap does not match`, state: idle },
      ...cutOff
        ? [{
          label: `${name}'s swap up to d${to} is applied by a primary that no majority follows`,
          state: { ...cutOff, undone: controlOf(state) },
        }]
        : [],
      ...lostAnswer(`${name} gets no answer to its swap up to d${to}`, idle, { name: "swap", ...swap }),
    ];
  }

  /**
   * Looks for leases of agents that take no part in the modes. In document mode an agent leaves no count of takeovers on a
   * lease, as long as there is none; in range mode it always does.
   */
  #look(state: RangeState, at: number, name: string): Step<RangeState>[] {
    if (this.#protocol.has("leaseTellsMode")) return [];
    const holder = state.agents.findIndex((task, other) => {
      if (other === at || this.#protocol.isDocumentAgent(other) || task?.kind !== "document") return false;
      const { takeovers, token } = state.docs[task.doc]!;
      return token === task.token && takeovers === 0;
    });
    if (holder < 0) return [];
    const other = "ABC"[holder]!;
    const problem = `${name} takes ${other} for an agent in document mode, and claims nothing`;
    return [{
      label: `${name} looks for leases of other agents, and finds that of ${other}`,
      state,
      problem,
    }];
  }

  /** Agents in document mode may have shown themselves since the look. */
  look(state: RangeState, at: number, name: string): Step<RangeState>[] {
    const idle = withTask(state, at);
    const after = modeTaken(idle, "range", this.#protocol);
    return [
      after
        ? { label: modeLabel(after, name), state: after }
        : { label: `${name} cannot take range mode`, state: idle },
      ...lostAnswer(`${name} gets no answer as it takes range mode`, idle, { name: "mode", mode: "range" }),
    ];
  }

  #takeMode(state: RangeState, at: number, name: string): Step<RangeState>[] {
    const after = modeTaken(state, "range", this.#protocol);
    if (!after || !state.docs.some((_, doc) => isNew(state, doc))) return [];
    const holder = state.shown.indexOf(true);
    if (holder < 0) {
      const label = `${name} sees no agent in document mode`;
      return [{ label, state: withTask(state, at, { kind: "look" }) }];
    }
    if (this.#protocol.has("looksForOthers")) return [];
    const problem = `${name} has taken the mode from ${
      "ABC"[holder]
    }, which found nothing to claim for a while`;
    return [{ label: modeLabel(after, name), state: after, problem }];
  }

  /** Where an agent may claim: above the position, from the start, and at a random place. */
  #gaps(state: RangeState, position: number, ranges: readonly Range[], at: number): Gap[] {
    const found = [{ ...this.#gap(state, position, ranges, at), isAside: false, place: "" }];
    if (position > START && this.#protocol.has("startsOver")) {
      const gap = this.#gap(state, START, ranges, at);
      if (gap.ids[0] !== found[0]!.ids[0]) found.push({ ...gap, isAside: false, place: ", from the start" });
    }
    if (this.#protocol.claimsAside) {
      const above = Math.max(START, ...ranges.map(({ to }) => to));
      const last = state.docs.length - 1;
      for (const from of newWithin(state, above, last)) {
        const ids = newWithin(state, from, last).slice(0, this.#protocol.batch);
        found.push({ from, ids, isAside: true, place: ", at a random place" });
      }
    }
    return found.filter(({ ids }) => ids.length > 0);
  }

  /** The first gap between ranges above a position that holds new documents, and some of these. */
  #gap(
    state: RangeState,
    above: number,
    ranges: readonly Range[],
    at: number,
  ): { from: number; ids: number[] } {
    const { batch } = this.#protocol;
    const last = state.docs.length - 1;
    for (let from = above;;) {
      const inside = ranges.find((range) => range.from <= from && from < range.to);
      if (inside) {
        from = inside.to;
        continue;
      }
      // What was cut down to nothing is no obstacle.
      const behind = ranges.filter((range) => range.from >= from && range.to > range.from);
      const end = Math.min(last, ...behind.map((range) => range.from));
      const bounds = { from, to: behind.length > 0 ? end : undefined };
      const ids = newWithin(state, from, end).filter((doc) =>
        this.#protocol.sees(at, doc) && this.#protocol.reaches(doc, bounds)
      );
      if (ids.length > 0 || end >= last) return { from, ids: ids.slice(0, batch) };
      from = end;
    }
  }
}

/** What an agent has done that was to take a mode. */
export function modeLabel({ mode }: RangeState, name: string): string {
  return mode.name === "made" ? `${name} makes the control document anew` : `${name} takes ${mode.name} mode`;
}

/** A part of the order between ranges, and new documents in it that one range may take. */
interface Gap {
  readonly from: number;
  readonly ids: readonly number[];
  readonly isAside: boolean;
  /** Where it is looked for, for people. */
  readonly place: string;
}

function placeOf(position: number): string {
  return position === START ? "the position is at the start" : `the position is d${position}`;
}

function list(ids: readonly number[]): string {
  return ids.map((doc) => `d${doc}`).join(", ") || "no document";
}
