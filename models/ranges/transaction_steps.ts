import type { Step } from "../explorer.ts";
import { isHeld } from "./control_writes.ts";
import { lostAnswer } from "./lost_answer.ts";
import type { RangeProtocol } from "./protocol.ts";
import { changed, faulty, type RangeState, withTask } from "./state.ts";
import type { TaskOf } from "./task.ts";

/** How the holder of a range acks a document that asks for writes. */
export class TransactionSteps {
  readonly #protocol: RangeProtocol;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
  }

  of(state: RangeState, at: number, name: string, task: TaskOf<"range">, doc: number): Step<RangeState>[] {
    if (!this.#protocol.has("oneTransaction")) return [written(state, at, name, task, doc)];
    if (task.open === doc) return commits(state, at, name, task, doc);
    // A lock makes it wait, and an agent has one transaction at a time.
    if (task.open !== undefined || state.docs[doc]!.isLocked) return [];
    if (!isHeld(state, { doc, token: task.token }, this.#protocol)) {
      const label = `${name}'s ack of d${doc} does not match, so its writes are not made`;
      return [{ label, state: withTask(state, at, settledTask(task, doc)) }];
    }
    return [{
      label: `${name} begins a transaction with its ack of d${doc} and the writes`,
      state: withTask(changed(state, doc, { isLocked: true }), at, { ...task, open: doc }),
    }];
  }
}

/** The state after a commit. */
export function committed(state: RangeState, doc: number): RangeState {
  const { effects } = state.docs[doc]!;
  const part = { status: "done", isNew: false, token: 0, isLocked: false, effects: effects + 1 } as const;
  return changed(state, doc, part);
}

/** What is left to do for the holder of a range when a document has its outcome. */
function settledTask(task: TaskOf<"range">, doc: number): TaskOf<"range"> {
  const isOther = (each: number) => each !== doc;
  return { ...task, done: task.done.filter(isOther), own: task.own.filter(isOther) };
}

function commits(
  state: RangeState,
  at: number,
  name: string,
  task: TaskOf<"range">,
  doc: number,
): Step<RangeState>[] {
  const { open: _, ...rest } = task;
  const without = withTask(state, at, rest);
  const steps = [
    { label: `${name} commits`, state: withTask(committed(state, doc), at, settledTask(rest, doc)) },
    ...lostAnswer(`${name} commits: no answer`, without, { name: "commit", doc }),
  ];
  const aborted = faulty(without, "abort");
  if (aborted) {
    steps.push({
      label: `the server aborts ${name}'s transaction`,
      state: changed(aborted, doc, { isLocked: false }),
    });
  }
  return steps;
}

/** The writes, before the ack and not together with it. */
function written(
  state: RangeState,
  at: number,
  name: string,
  task: TaskOf<"range">,
  doc: number,
): Step<RangeState> {
  const done = task.done.filter((each) => each !== doc);
  const sent = [...task.sent, { doc, name: "ack" } as const];
  const after = changed(state, doc, { effects: state.docs[doc]!.effects + 1 });
  return {
    label: `${name} makes the writes of d${doc}`,
    state: withTask(after, at, { ...task, done, sent }),
  };
}
