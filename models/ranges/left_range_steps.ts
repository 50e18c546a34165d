import type { Step } from "../explorer.ts";
import { cut, marked, takenOver } from "./control_writes.ts";
import { lostAnswer } from "./lost_answer.ts";
import type { RangeProtocol } from "./protocol.ts";
import { freshToken, interval, isNew, newWithin, type RangeState, withoutRange, withTask } from "./state.ts";
import type { Task, TaskOf } from "./task.ts";

/** How an agent of either mode finishes a range that has run out. */
export class LeftRangeSteps {
  readonly #protocol: RangeProtocol;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
  }

  idle(state: RangeState, at: number, name: string): Step<RangeState>[] {
    return state.ranges.filter(({ isLive }) => !isLive).map((range) => {
      const { from, to, token } = range;
      const reader = this.#protocol.has("leftByItsFilter") ? 0 : at;
      const ids = newWithin(state, from, to).filter((doc) =>
        this.#protocol.sees(reader, doc) && this.#protocol.reaches(doc, { from, to })
      ).slice(0, this.#protocol.most);
      const cutAt = ids.length < this.#protocol.most ? {} : { cutAt: ids.at(-1)! };
      const task: Task = { kind: "left", token, from, to, ids, unanswered: [], isOurs: false, ...cutAt };
      const what = ids.map((doc) => `d${doc}`).join(", ") || "nothing";
      return {
        label: `${name} reads what is left of ${interval(range)}: ${what}`,
        state: withTask(state, at, task),
      };
    });
  }

  of(state: RangeState, at: number, name: string, task: TaskOf<"left">): Step<RangeState>[] {
    const isHeld = task.isOurs || !this.#protocol.has("takesOverFirst");
    return isHeld ? this.#mark(state, at, name, task) : this.#takeOver(state, at, name, task);
  }

  #takeOver(state: RangeState, at: number, name: string, task: TaskOf<"left">): Step<RangeState>[] {
    const { from, to, token } = task;
    const next = freshToken(state);
    const takeover = { name: "takeover", from, to, token, next } as const;
    const label = `${name} takes ${interval(task)} over under t${next}`;
    const taken = takenOver(state, takeover, this.#protocol);
    const idle = withTask(state, at);
    return [
      taken
        ? { label, state: withTask(taken, at, { ...task, token: next, isOurs: true }) }
        : { label: `${name}'s takeover does not match`, state: idle },
      ...lostAnswer(`${label}: no answer`, idle, takeover),
    ];
  }

  #mark(state: RangeState, at: number, name: string, task: TaskOf<"left">): Step<RangeState>[] {
    const { ids, unanswered } = task;
    const steps: Step<RangeState>[] = [];
    for (const doc of ids) {
      if (state.docs[doc]!.isLocked) continue;
      const rest = {
        ids: ids.filter((each) => each !== doc),
        unanswered: unanswered.filter((each) => each !== doc),
      };
      const label = `${name} gives d${doc} its bookkeeping`;
      const after = marked(state, doc, this.#protocol);
      steps.push({
        label: after ? label : `${label}: ${isNew(state, doc) ? "refused" : "no match"}`,
        state: withTask(after ?? state, at, { ...task, ...rest }),
      });
      if (unanswered.includes(doc)) continue;
      const kept = this.#protocol.has("awaitsMarks") ? ids : rest.ids;
      const waiting = withTask(state, at, { ...task, ids: kept, unanswered: [...unanswered, doc] });
      steps.push(...lostAnswer(`${label}: no answer`, waiting, { name: "mark", doc }));
    }
    if (ids.length === 0) steps.push(...this.#finish(state, at, name, task));
    const locked = ids.filter((doc) => state.docs[doc]!.isLocked);
    if (ids.length > 0 && locked.length === ids.length) steps.push(...this.#leave(state, at, name, task));
    return steps;
  }

  /** Drops the range, or the part of it that was read. */
  #finish(state: RangeState, at: number, name: string, task: TaskOf<"left">): Step<RangeState>[] {
    const { cutAt, from, isOurs, to, token } = task;
    const range = state.ranges.find((each) => each.token === token && (isOurs || !each.isLive));
    const idle = withTask(state, at);
    if (cutAt !== undefined && range) {
      const label = `${name} cuts ${interval({ from, to: cutAt })} off its range`;
      return this.#cut(state, at, label, { from: cutAt, to, token });
    }
    const label = `${name} drops ${interval(task)}`;
    if (!range) return [{ label: `${label}: no match`, state: idle }];
    return [
      { label, state: withoutRange(idle, token) },
      ...lostAnswer(`${label}: no answer`, idle, { name: "drop", token }),
    ];
  }

  /** Leaves what other transactions lock to a later takeover: the range is cut down to that. */
  #leave(
    state: RangeState,
    at: number,
    name: string,
    { cutAt, from, ids, to, token }: TaskOf<"left">,
  ): Step<RangeState>[] {
    const first = ids[0]!;
    // What was not read stays in it.
    const rest = { from: Math.max(from, first - 1), to: cutAt === undefined ? ids.at(-1)! : to, token };
    return this.#cut(state, at, `${name} cuts its range down to ${interval(rest)}, which is locked`, rest);
  }

  #cut(
    state: RangeState,
    at: number,
    label: string,
    rest: { from: number; to: number; token: number },
  ): Step<RangeState>[] {
    const idle = withTask(state, at);
    return [
      { label, state: cut(idle, rest) ?? idle },
      ...lostAnswer(`${label}: no answer`, idle, { name: "cut", ...rest }),
    ];
  }
}
