import type { Step } from "../explorer.ts";
import type { RangeProtocol } from "./protocol.ts";
import {
  changed,
  excused,
  faulty,
  freshToken,
  freshVersion,
  heldBy,
  isNew,
  newWithin,
  processed,
  type Range,
  type RangeState,
  type SentWrite,
  START,
  type Task,
  withTask,
} from "./state.ts";

type TaskOf<K extends Task["kind"]> = Extract<Task, { kind: K }>;

/** What one agent can do about ranges. */
export class RangeSteps {
  readonly #protocol: RangeProtocol;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
  }

  /** Reads that an idle agent can make. */
  idle(state: RangeState, at: number, name: string): Step<RangeState>[] {
    const steps: Step<RangeState>[] = [];
    const { position, version, ranges } = state;
    const { from, ids } = this.#gap(state, position, ranges);
    if (ids.length > 0 && this.#protocol.has("readsControlFirst")) {
      const label = `${name} reads the control document: position ${position}`;
      steps.push({ label, state: withTask(state, at, { kind: "control", position, version, ranges }) });
    } else if (ids.length > 0) {
      steps.push({
        label: `${name} reads ids: ${ids}`,
        state: withTask(state, at, { kind: "ids", from, ids }),
      });
    }
    const behind = position > START && this.#gap(state, START, ranges).ids.some((doc) => doc <= position);
    if (behind && this.#protocol.has("startsOver")) {
      const label = `${name} finds new documents behind the position`;
      steps.push({ label, state: withTask(state, at, { kind: "over", position, version }) });
    }
    for (const { from, to, token, isLive } of ranges) {
      if (isLive) continue;
      const ids = newWithin(state, from, to);
      const task: Task = { kind: "left", token, from, to, ids, unanswered: [], isOurs: false };
      steps.push({
        label: `${name} reads what is left of ${interval(from, to)}: ${ids}`,
        state: withTask(state, at, task),
      });
    }
    return steps;
  }

  of(state: RangeState, at: number, name: string, task: Task): Step<RangeState>[] {
    switch (task.kind) {
      case "control": {
        const { position, version, ranges } = task;
        const { from, ids } = this.#gap(state, position, ranges);
        const next: Task | undefined = ids.length > 0
          ? { kind: "swap", position, version, from, ids }
          : undefined;
        return [{ label: `${name} reads ids: ${ids}`, state: withTask(state, at, next) }];
      }
      case "ids": {
        const { position, version } = state;
        const { from, ids } = task;
        const next: Task | undefined = ids[0]! > position
          ? { kind: "swap", position, version, from, ids }
          : undefined;
        const label = `${name} reads the control document: position ${position}`;
        return [{ label, state: withTask(state, at, next) }];
      }
      case "swap":
        return this.#swap(state, at, name, task);
      case "over": {
        const isSame = state.position === task.position && state.version === task.version;
        const after = withTask(state, at);
        if (!isSame) return [{ label: `${name} cannot start over`, state: after }];
        const over = { ...after, position: START, version: freshVersion(after) };
        return [{ label: `${name} starts over`, state: over }];
      }
      case "range":
        return this.#range(state, at, name, task);
      case "left":
        return task.isOurs || !this.#protocol.has("takesOverFirst")
          ? this.#mark(state, at, name, task)
          : this.#takeOver(state, at, name, task);
      case "document":
        return [];
    }
  }

  /** The first gap between ranges above a position that holds new documents, and some of these. */
  #gap(state: RangeState, above: number, ranges: readonly Range[]): { from: number; ids: number[] } {
    const last = state.docs.length - 1;
    for (let from = above;;) {
      const inside = ranges.find((range) => range.from <= from && from < range.to);
      if (inside) {
        from = inside.to;
        continue;
      }
      const end = Math.min(last, ...ranges.filter((range) => range.from >= from).map((range) => range.from));
      const ids = newWithin(state, from, end);
      if (ids.length > 0 || end >= last) return { from, ids: ids.slice(0, this.#protocol.batch) };
      from = end;
    }
  }

  #swap(state: RangeState, at: number, name: string, { position, version, from, ids }: TaskOf<"swap">) {
    const token = freshToken(state);
    const to = ids.at(-1)!;
    const swap = { position, version, from, to, token };
    const swapped = withSwap(state, swap, this.#protocol);
    const task: Task = { kind: "range", token, todo: ids, done: [], sent: [] };
    const steps: Step<RangeState>[] = [
      swapped
        ? { label: `${name} claims ${interval(from, to)} as t${token}`, state: withTask(swapped, at, task) }
        : { label: `${name}'s swap does not match`, state: withTask(state, at) },
    ];
    const lost = faulty(state, "lose");
    if (lost) {
      const late = [...lost.late, { name: "swap", ...swap } as const];
      steps.push({ label: `${name} gets no answer to its swap`, state: withTask({ ...lost, late }, at) });
    }
    return steps;
  }

  #range(state: RangeState, at: number, name: string, task: TaskOf<"range">): Step<RangeState>[] {
    const { token, todo, done, sent } = task;
    const own = (after: RangeState, part: Partial<TaskOf<"range">>) =>
      withTask(after, at, { ...task, ...part });
    const steps: Step<RangeState>[] = [];
    const range = state.ranges.find((each) => each.token === token);
    if (range && !range.isLive) {
      steps.push({
        label: `${name} renews its range`,
        state: withRange(state, range, { ...range, isLive: true }),
      });
    }
    for (const doc of todo) steps.push(this.#process(state, at, name, task, doc));
    for (const doc of done) {
      const next = {
        done: done.filter((each) => each !== doc),
        sent: [...sent, { doc, name: "ack" } as const],
      };
      steps.push({ label: `${name} sends its ack of d${doc}`, state: own(state, next) });
    }
    for (const write of sent) {
      const rest = sent.filter((each) => each !== write);
      const label = `${name}'s ${write.name} of d${write.doc}`;
      const isMatch = isNew(state, write.doc);
      const applied = withWrite(state, write);
      steps.push({
        label: `${label} is ${isMatch ? "applied" : "unmatched"}`,
        state: own(applied, { sent: rest }),
      });
      const lost = faulty(state, "lose");
      // It stays among the sent ones: it is sent again until it has an answer.
      if (lost) steps.push({ label: `${label}: no answer`, state: { ...lost, late: [...lost.late, write] } });
    }
    const drained = todo.length > 0 ? faulty(state, "drain") : undefined;
    if (drained) {
      const dropped = this.#protocol.has("dropsLast") ? drained : withoutRange(drained, token);
      steps.push({ label: `${name} is told to drain`, state: own(dropped, { todo: [] }) });
    }
    const isAnswered = sent.length === 0 || !this.#protocol.has("awaitsAcks");
    if (todo.length === 0 && done.length === 0 && isAnswered) {
      const after = withTask(withoutRange(state, token), at);
      steps.push({ label: `${name} drops its range`, state: { ...after, late: [...after.late, ...sent] } });
    }
    return steps;
  }

  #process(
    state: RangeState,
    at: number,
    name: string,
    task: TaskOf<"range">,
    doc: number,
  ): Step<RangeState> {
    const todo = task.todo.filter((each) => each !== doc);
    const { tries, ended } = state.docs[doc]!;
    switch (this.#protocol.natures[doc]) {
      case "poison": {
        const label = `${name} starts d${doc}, which ends the process`;
        const killed = changed(excused(state, heldBy(task)), doc, { ended: ended + 1 });
        return { label, state: withTask(killed, at) };
      }
      case "flaky":
        if (tries === 0) {
          const sent: SentWrite[] = [...task.sent, { doc, name: "nack" }];
          return { label: `${name}'s d${doc} fails`, state: withTask(state, at, { ...task, todo, sent }) };
        }
    }
    const done = [...task.done, doc];
    return {
      label: `${name} processes d${doc}`,
      state: withTask(processed(state, doc), at, { ...task, todo, done }),
    };
  }

  #takeOver(state: RangeState, at: number, name: string, task: TaskOf<"left">): Step<RangeState>[] {
    const { from, to, ids } = task;
    const old = state.ranges.find((range) =>
      range.from === from && range.to === to && !range.isLive &&
      (range.token === task.token || !this.#protocol.has("comparesToken"))
    );
    if (!old) return [{ label: `${name}'s takeover does not match`, state: withTask(state, at) }];
    const token = freshToken(state);
    const taken = withRange(state, old, { ...old, token, isLive: true });
    const label = `${name} takes ${interval(from, to)} over as t${token}`;
    const steps = [{ label, state: withTask(taken, at, { ...task, token, ids, isOurs: true }) }];
    const lost = faulty(taken, "lose");
    if (lost) steps.push({ label: `${label}: no answer`, state: withTask(lost, at) });
    return steps;
  }

  #mark(state: RangeState, at: number, name: string, task: TaskOf<"left">): Step<RangeState>[] {
    const { ids, unanswered, token, from, to, isOurs } = task;
    const steps: Step<RangeState>[] = [];
    for (const doc of ids) {
      const rest = {
        ids: ids.filter((each) => each !== doc),
        unanswered: unanswered.filter((each) => each !== doc),
      };
      const label = `${name} gives d${doc} its bookkeeping`;
      const isMatch = isNew(state, doc);
      const marked = isMatch ? changed(state, doc, { isNew: false }) : state;
      steps.push({
        label: isMatch ? label : `${label}: no match`,
        state: withTask(marked, at, { ...task, ...rest }),
      });
      const lost = unanswered.includes(doc) ? undefined : faulty(state, "lose");
      if (lost) {
        const kept = this.#protocol.has("awaitsMarks") ? ids : rest.ids;
        const late = [...lost.late, { name: "mark", doc } as const];
        const waiting: Task = { ...task, ids: kept, unanswered: [...unanswered, doc] };
        steps.push({ label: `${label}: no answer`, state: withTask({ ...lost, late }, at, waiting) });
      }
    }
    if (ids.length === 0) {
      const range = state.ranges.find((each) => each.token === token && (isOurs || !each.isLive));
      const dropped = range ? withoutRange(state, token) : state;
      const label = `${name} drops ${interval(from, to)}`;
      steps.push({ label: range ? label : `${label}: no match`, state: withTask(dropped, at) });
    }
    return steps;
  }
}

/** The state after a swap; undefined if it does not match. */
export function withSwap(
  state: RangeState,
  { position, version, from, to, token }: {
    position: number;
    version: number;
    from: number;
    to: number;
    token: number;
  },
  protocol: RangeProtocol,
): RangeState | undefined {
  const isSame = state.position === position &&
    (state.version === version || !protocol.has("comparesVersion"));
  if (!isSame) return undefined;
  const ranges = [...state.ranges, { from, to, token, isLive: true }];
  return { ...state, position: to, version: freshVersion(state), ranges };
}

/** The state after an ack or a nack, which match only new documents. */
export function withWrite(state: RangeState, { doc, name }: SentWrite): RangeState {
  if (!isNew(state, doc)) return state;
  return changed(state, doc, name === "ack" ? { status: "done", isNew: false } : { isNew: false, tries: 1 });
}

function withRange(state: RangeState, old: Range, range: Range): RangeState {
  return { ...state, ranges: state.ranges.map((each) => each === old ? range : each) };
}

function withoutRange(state: RangeState, token: number): RangeState {
  return { ...state, ranges: state.ranges.filter((range) => range.token !== token) };
}

function interval(from: number, to: number): string {
  return `(${from}, ${to}]`;
}
