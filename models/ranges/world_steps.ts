import type { Step } from "../explorer.ts";
import {
  claimed,
  cut,
  marked,
  modeTaken,
  settled,
  startedOver,
  swapped,
  takenOver,
} from "./control_writes.ts";
import type { RangeProtocol } from "./protocol.ts";
import type { Range } from "./range.ts";
import {
  changed,
  excused,
  faulty,
  heldBy,
  NOTHING,
  type RangeState,
  withoutRange,
  withRange,
} from "./state.ts";
import type { LateWrite } from "./task.ts";
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

  #late(state: RangeState, write: LateWrite): Step<RangeState>[] {
    const rest = { ...state, late: state.late.filter((each) => each !== write) };
    const what = "doc" in write ? `the ${write.name} of d${write.doc}` : `the ${NOUNS[write.name]}`;
    const isWaiting = write.name !== "commit" && "doc" in write && state.docs[write.doc]!.isLocked;
    const after = isWaiting ? undefined : this.#applied(rest, write);
    const unlocked = write.name === "commit" ? changed(rest, write.doc, { isLocked: false }) : rest;
    return [
      { label: `${what} that was given up never arrives`, state: unlocked },
      ...after ? [{ label: `${what} that was given up is applied late`, state: after }] : [],
    ];
  }

  #applied(state: RangeState, write: LateWrite): RangeState | undefined {
    const range = "token" in write ? state.ranges.find(({ token }) => token === write.token) : undefined;
    switch (write.name) {
      case "swap":
        return swapped(state, write, this.#protocol);
      case "over":
        return startedOver(state, write);
      case "mode":
        return modeTaken(state, write.mode, this.#protocol);
      case "takeover":
        return takenOver(state, write, this.#protocol);
      case "renewal":
        return range && withRange(state, range, { ...range, isLive: true });
      case "cut":
        return cut(state, write.token, write.to);
      case "drop":
        return range && withoutRange(state, write.token);
      case "claim":
        return claimed(state, write, this.#protocol);
      case "commit":
        return committed(state, write.doc);
      case "mark":
        return marked(state, write.doc, this.#protocol);
      case "ack":
      case "nack":
      case "verdict":
      case "copy":
      case "failure":
        return settled(state, { doc: write.doc, name: write.name }, this.#protocol);
    }
  }

  #expiries(state: RangeState): Step<RangeState>[] {
    const steps = state.ranges.filter(({ isLive }) => isLive).flatMap((range) => rangeOver(state, range));
    const { mode, agents, hasMode } = state;
    if (!mode.isLive) return steps;
    const isInUse = agents.some((task, at) => hasMode[at] && task?.kind === "candidate");
    const over = isInUse ? faulty(state, "freeze") : state;
    if (over) {
      steps.push({
        label: `document mode runs out${isInUse ? ", as the agent that is about to claim is frozen" : ""}`,
        state: {
          ...over,
          mode: { ...mode, isLive: false },
          hasMode: hasMode.map(() => false),
          late: over.late.map((write) => write.name === "claim" ? { ...write, isOver: true } : write),
        },
      });
    }
    return steps;
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
    if (status === "pending") {
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
  over: "write that starts over",
  mode: "write that takes the mode",
  takeover: "takeover",
  renewal: "renewal",
  cut: "cut",
  drop: "drop",
} as const;

function rangeOver(state: RangeState, range: Range): Step<RangeState>[] {
  const holder = state.agents.find((task) =>
    (task?.kind === "range" || (task?.kind === "left" && task.isOurs)) && task.token === range.token
  );
  const over = holder ? faulty(state, "freeze") : state;
  if (!over) return [];
  const label = `the range up to d${range.to} runs out${holder ? ", as its holder is frozen" : ""}`;
  return [{
    label,
    state: withRange(excused(over, heldBy(holder)), range, { ...range, isLive: false }),
  }];
}
