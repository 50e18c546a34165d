import type { Model, Step } from "../explorer.ts";
import type { RangeNature, RangeProtocol } from "./protocol.ts";
import { RangeSteps, withSwap, withWrite } from "./range_steps.ts";
import type { RangeRuleName } from "./rules.ts";
import {
  changed,
  excused,
  faulty,
  freshToken,
  heldBy,
  isNew,
  type LateWrite,
  processed,
  type RangeDoc,
  type RangeFault,
  type RangeState,
  START,
  type Task,
  withTask,
} from "./state.ts";

/** Processes that a poison document ends, at most: in a range, and once more by document. */
const MOST_ENDED = 2;

/** Range claims, and the claims by document that finish what ranges leave. The claims by document are abstract here. */
export class Ranges implements Model<RangeState> {
  readonly #options: RangesOptions;
  readonly #protocol: RangeProtocol;
  readonly #steps: RangeSteps;

  constructor(options: RangesOptions) {
    const { natures, batch, without } = options;
    this.#options = options;
    this.#protocol = { natures, batch, has: (rule) => rule !== without };
    this.#steps = new RangeSteps(this.#protocol);
  }

  initial(): RangeState {
    const { natures, agents, late = [], budget = {} } = this.#options;
    const inserted: RangeDoc = {
      status: "pending",
      isNew: true,
      token: 0,
      tries: 0,
      runs: 0,
      excuses: 0,
      ended: 0,
    };
    return {
      docs: natures.map((_, doc) => late.includes(doc) ? { ...inserted, status: "absent" } : inserted),
      position: START,
      version: 0,
      ranges: [],
      agents: Array.from({ length: agents }, () => undefined),
      late: [],
      budget,
    };
  }

  next(state: RangeState): readonly Step<RangeState>[] {
    const steps: Step<RangeState>[] = [];
    for (const [at, task] of state.agents.entries()) {
      const name = "ABC"[at]!;
      if (!task) {
        steps.push(...this.#steps.idle(state, at, name), ...this.#claims(state, at, name));
        continue;
      }
      steps.push(...this.#steps.of(state, at, name, task));
      if (task.kind === "document") steps.push(this.#document(state, at, name, task));
      const killed = faulty(state, "crash");
      if (killed) {
        steps.push({ label: `${name} is killed`, state: withTask(excused(killed, heldBy(task)), at) });
      }
    }
    for (const write of state.late) steps.push(...this.#late(state, write));
    return [...steps, ...this.#world(state)];
  }

  /** Claims by document: of documents that have bookkeeping, or were held by an agent that is gone. */
  #claims(state: RangeState, at: number, name: string): Step<RangeState>[] {
    return state.docs.flatMap(
      ({ status, isNew: isUntouched, tries, token: held }, doc): Step<RangeState>[] => {
        const isTracked = state.agents.some((task) => task?.kind === "document" && task.token === held);
        const isDue = (status === "pending" && !isUntouched) || (status === "working" && !isTracked);
        if (!isDue) return [];
        if (this.#protocol.natures[doc] === "poison" && tries >= 1) {
          const failed = changed(state, doc, { status: "failed", token: 0 });
          return [{ label: `d${doc} is run alone, and is a dead letter in the end`, state: failed }];
        }
        const token = freshToken(state);
        const claimed = changed(state, doc, {
          status: "working",
          token,
          isNew: false,
          tries: Math.min(tries + 1, 2),
        });
        const task: Task = { kind: "document", token, doc, isDone: false };
        return [{
          label: `${name} claims d${doc} by document as t${token}`,
          state: withTask(claimed, at, task),
        }];
      },
    );
  }

  #document(
    state: RangeState,
    at: number,
    name: string,
    task: Extract<Task, { kind: "document" }>,
  ): Step<RangeState> {
    const { doc, token, isDone } = task;
    if (this.#protocol.natures[doc] === "poison") {
      const killed = changed(excused(state, [doc]), doc, { ended: state.docs[doc]!.ended + 1 });
      return { label: `${name} starts d${doc}, which ends the process`, state: withTask(killed, at) };
    }
    if (!isDone) {
      return {
        label: `${name} processes d${doc}`,
        state: withTask(processed(state, doc), at, { ...task, isDone: true }),
      };
    }
    const { status, token: now } = state.docs[doc]!;
    const isHeld = status === "working" && now === token;
    const acked = isHeld ? changed(state, doc, { status: "done", token: 0 }) : state;
    return { label: `${name} acks d${doc}${isHeld ? "" : ": no match"}`, state: withTask(acked, at) };
  }

  #late(state: RangeState, write: LateWrite): Step<RangeState>[] {
    const rest = { ...state, late: state.late.filter((each) => each !== write) };
    const steps: Step<RangeState>[] = [{
      label: `the ${write.name} that was given up never arrives`,
      state: rest,
    }];
    if (write.name === "swap") {
      const swapped = withSwap(rest, write, this.#protocol);
      if (swapped) steps.push({ label: "the swap that was given up is applied late", state: swapped });
    } else if (isNew(rest, write.doc)) {
      const label = `the ${write.name} of d${write.doc}, given up, is applied late`;
      const { doc, name } = write;
      const after = name === "mark" ? changed(rest, doc, { isNew: false }) : withWrite(rest, { doc, name });
      steps.push({ label, state: after });
    }
    return steps;
  }

  #world(state: RangeState): Step<RangeState>[] {
    const steps: Step<RangeState>[] = [];
    for (const range of state.ranges) {
      if (!range.isLive) continue;
      const holder = state.agents.find((task) =>
        (task?.kind === "range" || (task?.kind === "left" && task.isOurs)) && task.token === range.token
      );
      const expired = holder ? faulty(state, "freeze") : state;
      if (!expired) continue;
      const ranges = state.ranges.map((each) => each === range ? { ...range, isLive: false } : each);
      const label = `the range up to ${range.to} runs out${holder ? ", as its holder is frozen" : ""}`;
      steps.push({ label, state: { ...excused(expired, heldBy(holder)), ranges } });
    }
    for (const [doc, { status }] of state.docs.entries()) {
      if (status === "absent") {
        steps.push({ label: `d${doc} is inserted`, state: changed(state, doc, { status: "pending" }) });
      }
      const reset = status === "done" ? faulty(state, "reset") : undefined;
      if (reset) {
        const again = { status: "pending", runs: 0, isNew: !this.#protocol.has("staysOld") } as const;
        steps.push({ label: `a user sets d${doc} back to pending`, state: changed(reset, doc, again) });
      }
    }
    return steps;
  }

  problemOf({ docs, ranges }: RangeState): string | undefined {
    for (const [doc, { status, runs, excuses, ended }] of docs.entries()) {
      if (status === "done" && runs === 0) {
        return `d${doc} is marked as processed, and no handler has processed it`;
      }
      if (runs > 1 + excuses) {
        return `d${doc} was processed ${runs} times, kills and freezes of its holders: ${excuses}`;
      }
      if (ended > MOST_ENDED) return `d${doc} has ended ${ended} processes`;
    }
    const overlap = ranges.some((one, at) =>
      ranges.slice(at + 1).some((other) => Math.max(one.from, other.from) < Math.min(one.to, other.to))
    );
    return overlap ? "two ranges overlap" : undefined;
  }

  isSettled({ docs, ranges, agents, late }: RangeState): boolean {
    return ranges.length === 0 && late.length === 0 && agents.every((task) => task === undefined) &&
      docs.every(({ status }) => status === "done" || status === "failed");
  }

  /** Lists whose order means nothing are sorted. */
  keyOf({ docs, position, version, ranges, agents, late, budget }: RangeState): string {
    const sorted = (list: readonly unknown[]) => list.map((each) => JSON.stringify(each)).sort();
    return JSON.stringify([
      docs.map((doc) => Object.values(doc)),
      position,
      version,
      sorted(ranges.map((range) => Object.values(range))),
      sorted(
        agents.map((task) =>
          task?.kind === "range"
            ? { ...task, done: sorted(task.done), sent: sorted(task.sent) }
            : task ?? null
        ),
      ),
      sorted(late),
      Object.values(budget),
    ]);
  }
}

/** What a scenario of range claims is made of. */
export interface RangesOptions {
  natures: readonly RangeNature[];
  agents: number;
  batch: number;
  /** Documents that are inserted at some later time. */
  late?: readonly number[];
  budget?: Partial<Record<RangeFault, number>>;
  without?: RangeRuleName;
}
