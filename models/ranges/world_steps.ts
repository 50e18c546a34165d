import type { Step } from "../explorer.ts";
import { claimed, cut, marked, modeTaken, settled, swapped, takenOver } from "./control_writes.ts";
import type { RangeProtocol } from "./protocol.ts";
import type { Range } from "./range.ts";
import {
  changed,
  excused,
  faulty,
  heldBy,
  inRange,
  NOTHING,
  type RangeState,
  withoutRange,
  withRange,
  withTask,
} from "./state.ts";
import type { LateWrite, Task, TaskOf } from "./task.ts";
import { committed } from "./transaction_steps.ts";

/** What happens without an agent: late writes, leases that run out, and users. */
export class WorldSteps {
  readonly #protocol: RangeProtocol;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
  }

  of(state: RangeState): Step<RangeState>[] {
    return [
      ...state.late.flatMap((write) => this.#late(state, write)),
      ...this.#expiries(state),
      ...state.docs.flatMap((_, doc) => this.#user(state, doc)),
    ];
  }

  /** That a write never arrives is no step: it may wait forever. */
  #late(state: RangeState, write: LateWrite): Step<RangeState>[] {
    const rest = { ...state, late: state.late.filter((each) => each !== write) };
    const what = "doc" in write ? `the ${write.name} of d${write.doc}` : `the ${NOUNS[write.name]}`;
    const isWaiting = write.name !== "commit" && "doc" in write && state.docs[write.doc]!.isLocked;
    const after = isWaiting ? undefined : this.#applied(rest, write);
    const steps = after ? [{ label: `${what} that was given up is applied late`, state: after }] : [];
    if (write.name !== "commit") return steps;
    const unlocked = changed(rest, write.doc, { isLocked: false });
    return [...steps, { label: `${what} that was given up never arrives`, state: unlocked }];
  }

  #applied(state: RangeState, write: LateWrite): RangeState | undefined {
    const range = "token" in write ? state.ranges.find(({ token }) => token === write.token) : undefined;
    switch (write.name) {
      case "swap":
        return swapped(state, write, this.#protocol);
      case "mode":
        return modeTaken(state, write.mode, this.#protocol);
      case "takeover":
        return takenOver(state, write, this.#protocol);
      case "cut":
        return cut(state, write);
      case "drop":
        return range && withoutRange(state, write.token);
      case "claim":
        return claimed(state, write, this.#protocol);
      case "commit":
        return committed(state, write.doc);
      case "mark":
        return marked(state, write.doc, this.#protocol);
      default:
        return settled(state, write, this.#protocol);
    }
  }

  #expiries(state: RangeState): Step<RangeState>[] {
    const live = state.ranges.filter(({ isLive }) => isLive);
    return live.flatMap((range) => {
      const at = state.agents.findIndex((task) => isHolderOf(task, range));
      return rangeOver(aborted(state, at, this.#protocol), range, state.agents[at], this.#protocol);
    });
  }

  #user(state: RangeState, doc: number): Step<RangeState>[] {
    const { status, isNew: isUntouched, isLocked } = state.docs[doc]!;
    const steps: Step<RangeState>[] = [];
    if (isLocked) return steps;
    const add = (label: string, after: RangeState | undefined, part: Parameters<typeof changed>[2]) => {
      if (after) steps.push({ label, state: changed(after, doc, part) });
    };
    if (status === "absent") add(`d${doc} is inserted`, state, { status: "pending" });
    if (status === "done") {
      const again = {
        status: "pending",
        runs: 0,
        effects: 0,
        isNew: !this.#protocol.has("staysOld"),
      } as const;
      add(`a user sets d${doc} back to pending`, faulty(state, "reset"), again);
    }
    if (status === "pending" && isUntouched && !this.#protocol.has("requeueLeavesNew")) {
      add(`the operator requeues d${doc}, which is new`, faulty(state, "requeue"), { isNew: false });
    }
    if (status === "pending" || status === "working") {
      add(`a user gives d${doc} another status`, faulty(state, "stop"), {
        status: "stopped",
        isStopped: true,
      });
    }
    if (status !== "absent" && status !== "gone") {
      add(`a user deletes d${doc}`, faulty(state, "remove"), {
        ...NOTHING,
        status: "gone",
        runs: 0,
        effects: 0,
      });
    }
    if (status === "gone") {
      add(`a user inserts d${doc} again`, faulty(state, "again"), { ...NOTHING, status: "pending" });
    }
    return steps;
  }
}

/** What the writes are called that are not about one document. */
const NOUNS = {
  swap: "swap",
  mode: "write that takes the mode",
  takeover: "takeover",
  cut: "cut",
  drop: "drop",
} as const;

function rangeOver(
  state: RangeState,
  range: Range,
  holder: Task | undefined,
  protocol: RangeProtocol,
): Step<RangeState>[] {
  const isInUse = holder?.kind === "left" || (holder?.kind === "range" && isNeeded(holder, protocol));
  const over = isInUse ? faulty(state, "freeze") : state;
  if (!over) return [];
  const label = `the range up to d${range.to} runs out${isInUse ? ", as its holder is frozen" : ""}`;
  const held = isInUse ? heldBy(holder).filter((doc) => state.docs[doc]!.token !== range.token) : [];
  return [{ label, state: withRange(excused(over, held), range, { ...range, isLive: false }) }];
}

function isHolderOf(task: Task | undefined, { token }: Range): boolean {
  return task?.kind === "left"
    ? task.isOurs && task.token === token
    : task?.kind === "range" && task.token === token;
}

/** Whether the holder of a range finishes it in time, unless it is frozen. */
function isNeeded(task: TaskOf<"range">, protocol: RangeProtocol): boolean {
  const held = inRange(task);
  // An empty one is dropped next.
  if (held.length === 0) return task.own.length === 0;
  return held.some((doc) => !takesNoLease(doc, protocol) || !task.todo.includes(doc));
}

/** Whether a document is left to run out with its range: it is to get a lease of its own, and the database refuses that. */
function takesNoLease(doc: number, { isSlow, natures }: RangeProtocol): boolean {
  return isSlow(doc) && natures[doc] === "stubborn";
}

/** The state in which a range is about to run out whose holder could not leave it: it aborts what still runs. */
function aborted(state: RangeState, at: number, protocol: RangeProtocol): RangeState {
  const task = state.agents[at];
  if (task?.kind !== "range" || isNeeded(task, protocol)) return state;
  return withTask(state, at, { ...task, todo: task.todo.filter((doc) => !takesNoLease(doc, protocol)) });
}
