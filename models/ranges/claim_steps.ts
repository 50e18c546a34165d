import type { Step } from "../explorer.ts";
import { modeTaken, startedOver, swapped } from "./control_writes.ts";
import { lostAnswer } from "./lost_answer.ts";
import type { RangeProtocol } from "./protocol.ts";
import type { Range } from "./range.ts";
import { freshToken, interval, isNew, newWithin, type RangeState, START, withTask } from "./state.ts";
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
    if (mode.name !== "range") return this.#takeMode(state, name);
    const steps: Step<RangeState>[] = [];
    const { from, ids } = this.#gap(state, position, ranges, at);
    if (ids.length > 0 && this.#protocol.has("readsControlFirst")) {
      const label = `${name} reads the control document: ${placeOf(position)}`;
      steps.push({ label, state: withTask(state, at, { kind: "control", position, version, ranges }) });
    } else if (ids.length > 0) {
      steps.push({
        label: `${name} reads the ids of ${list(ids)}`,
        state: withTask(state, at, { kind: "ids", from, ids }),
      });
    }
    const behind = position > START && this.#gap(state, START, ranges, at).ids.some((doc) => doc <= position);
    if (behind && this.#protocol.has("startsOver")) {
      const label = `${name} finds new documents behind the position`;
      steps.push({ label, state: withTask(state, at, { kind: "over", position, version }) });
    }
    return steps;
  }

  control(state: RangeState, at: number, name: string, task: TaskOf<"control">): Step<RangeState>[] {
    const { position, version, ranges } = task;
    const { from, ids } = this.#gap(state, position, ranges, at);
    const next: Task | undefined = ids.length > 0
      ? { kind: "swap", position, version, from, ids }
      : undefined;
    return [{ label: `${name} reads the ids of ${list(ids)}`, state: withTask(state, at, next) }];
  }

  ids(state: RangeState, at: number, name: string, { from, ids }: TaskOf<"ids">): Step<RangeState>[] {
    const { position, version } = state;
    const next: Task | undefined = ids[0]! > position
      ? { kind: "swap", position, version, from, ids }
      : undefined;
    const label = `${name} reads the control document: ${placeOf(position)}`;
    return [{ label, state: withTask(state, at, next) }];
  }

  swap(state: RangeState, at: number, name: string, task: TaskOf<"swap">): Step<RangeState>[] {
    const { position, version, from, ids } = task;
    const token = freshToken(state);
    const to = ids.at(-1)!;
    const swap = { position, version, from, to, token };
    const after = swapped(state, swap, this.#protocol);
    const held: Task = { kind: "range", token, todo: ids, done: [], sent: [] };
    const idle = withTask(state, at);
    return [
      after
        ? { label: `${name} claims ${interval(swap)} under t${token}`, state: withTask(after, at, held) }
        : { label: `${name}'s swap does not match`, state: idle },
      ...lostAnswer(`${name} gets no answer to its swap up to d${to}`, idle, { name: "swap", ...swap }),
    ];
  }

  over(
    state: RangeState,
    at: number,
    name: string,
    { position, version }: TaskOf<"over">,
  ): Step<RangeState>[] {
    const idle = withTask(state, at);
    const after = startedOver(idle, { position, version });
    return [
      after
        ? { label: `${name} starts over`, state: after }
        : { label: `${name} cannot start over`, state: idle },
      ...lostAnswer(`${name} gets no answer as it starts over`, idle, { name: "over", position, version }),
    ];
  }

  #takeMode(state: RangeState, name: string): Step<RangeState>[] {
    const after = modeTaken(state, "range", this.#protocol);
    if (!after || !state.docs.some((_, doc) => isNew(state, doc))) return [];
    return [
      { label: `${name} takes range mode`, state: after },
      ...lostAnswer(`${name} gets no answer as it takes range mode`, state, { name: "mode", mode: "range" }),
    ];
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
      const end = Math.min(last, ...ranges.filter((range) => range.from >= from).map((range) => range.from));
      const ids = newWithin(state, from, end).filter((doc) => this.#isFound(doc, from, at));
      if (ids.length > 0 || end >= last) return { from, ids: ids.slice(0, batch) };
      from = end;
    }
  }

  /** Whether an agent's query for what comes after a document finds this one. */
  #isFound(doc: number, from: number, at: number): boolean {
    const { types } = this.#protocol;
    if (!this.#protocol.sees(at, doc)) return false;
    return from === START || types[doc] === types[from] || this.#protocol.has("boundsByIndex");
  }
}

function placeOf(position: number): string {
  return position === START ? "the position is at the start" : `the position is d${position}`;
}

function list(ids: readonly number[]): string {
  return ids.map((doc) => `d${doc}`).join(", ") || "no document";
}
