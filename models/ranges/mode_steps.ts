import type { Step } from "../explorer.ts";
import type { RangeProtocol } from "./protocol.ts";
import { excused, faulty, freshVersion, heldBy, inRange, type RangeState, START } from "./state.ts";

/** What befalls the control document as a whole: its mode runs out, it is removed, or its last write is undone. */
export class ModeSteps {
  readonly #protocol: RangeProtocol;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
  }

  of(state: RangeState): Step<RangeState>[] {
    const steps = state.mode.isLive ? this.#over(state) : [];
    const removed = faulty(state, "wipe");
    if (!removed) return steps;
    const control = { position: START, ranges: [], mode: { name: "removed", isLive: false } } as const;
    const version = freshVersion(state, this.#protocol);
    return [...steps, {
      label: "the operator removes the control document",
      state: { ...removed, ...control, version },
    }];
  }

  /**
   * All that can happen while the control document has a write that no majority has: agents that are cut off as well read
   * it. What they write has no answer, or is like the write that is undone.
   */
  undoing(state: RangeState, readings: readonly Step<RangeState>[]): Step<RangeState>[] {
    const { undone, ...rest } = state;
    const label = "another member becomes primary, and the swap is undone";
    return [...readings, { label, state: { ...rest, ...undone } }];
  }

  /** A mode, or the wait after the control document was made anew, runs out. */
  #over(state: RangeState): Step<RangeState>[] {
    const { agents, hasMode, mode } = state;
    const isWait = mode.name === "made";
    const inUse = agents.filter((task, at) => {
      if (task?.kind === "candidate") return hasMode[at];
      if (!isWait) return false;
      return task?.kind === "range" ? inRange(task).length > 0 : task?.kind === "left" && task.isOurs;
    });
    if (inUse.length > 1) return [];
    const [frozen] = inUse;
    const over = frozen ? faulty(state, "freeze") : state;
    if (!over) return [];
    const whose = frozen?.kind === "candidate" ? "the agent that is about to claim" : "the holder of a range";
    return [{
      label: `${isWait ? "the wait" : "document mode"} runs out${frozen ? `, as ${whose} is frozen` : ""}`,
      state: {
        ...excused(over, frozen?.kind === "range" ? heldBy(frozen) : []),
        mode: { ...mode, isLive: false },
        hasMode: hasMode.map(() => false),
        shown: frozen ? over.shown.with(agents.indexOf(frozen), false) : over.shown,
        late: over.late.map((write) => write.name === "claim" ? { ...write, isOver: true } : write),
      },
    }];
  }
}
