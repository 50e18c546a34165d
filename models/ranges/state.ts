/**
 * The state of the model of range claims. Documents are named by their place in the order of `_id`. The version of the
 * control document is only compared, so any number that is not in use is a new one.
 */

/** A document in the database. */
export interface RangeDoc {
  /** absent: not inserted yet */
  readonly status: "absent" | "pending" | "working" | "done" | "failed";
  /** Has no bookkeeping: no agent has touched it. */
  readonly isNew: boolean;
  readonly token: number;
  /** Runs that were noted on it. */
  readonly tries: number;
  /** Runs that succeeded since it was inserted or reset; no agent knows them. */
  readonly runs: number;
  /** Kills and freezes of agents that held it; no agent knows them. */
  readonly excuses: number;
  /** Processes that it has ended; no agent knows them. */
  readonly ended: number;
}

/** A range of documents that an agent has claimed: those after `from`, up to `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly token: number;
  readonly isLive: boolean;
}

/** What an agent is about to do, and all that it knows. */
export type Task =
  /** It has read the control document, and will read ids. */
  | {
    readonly kind: "control";
    readonly position: number;
    readonly version: number;
    readonly ranges: readonly Range[];
  }
  /** It has read ids, and will read the control document: the wrong order. */
  | { readonly kind: "ids"; readonly from: number; readonly ids: readonly number[] }
  | {
    readonly kind: "swap";
    readonly position: number;
    readonly version: number;
    readonly from: number;
    readonly ids: readonly number[];
  }
  | { readonly kind: "over"; readonly position: number; readonly version: number }
  /** It holds a range: documents to process, those that succeeded, and writes that were sent and have no answer. */
  | {
    readonly kind: "range";
    readonly token: number;
    readonly todo: readonly number[];
    readonly done: readonly number[];
    readonly sent: readonly SentWrite[];
  }
  /** It has read what is left of an expired range; `isOurs`: and has taken it over. */
  | {
    readonly kind: "left";
    readonly token: number;
    readonly from: number;
    readonly to: number;
    readonly ids: readonly number[];
    readonly unanswered: readonly number[];
    readonly isOurs: boolean;
  }
  /** It holds one document by its own token. */
  | { readonly kind: "document"; readonly token: number; readonly doc: number; readonly isDone: boolean };

export interface SentWrite {
  readonly doc: number;
  readonly name: "ack" | "nack";
}

/** A write whose sender has given it up. */
export type LateWrite =
  | { readonly name: "ack" | "nack" | "mark"; readonly doc: number }
  | {
    readonly name: "swap";
    readonly position: number;
    readonly version: number;
    readonly from: number;
    readonly to: number;
    readonly token: number;
  };

/** crash, freeze, lose, drain: as for claims by document · reset: a user sets a document back to pending */
export type RangeFault = "crash" | "freeze" | "lose" | "drain" | "reset";

export interface RangeState {
  readonly docs: readonly RangeDoc[];
  /** The control document. */
  readonly position: number;
  readonly version: number;
  readonly ranges: readonly Range[];
  readonly agents: readonly (Task | undefined)[];
  readonly late: readonly LateWrite[];
  readonly budget: Readonly<Partial<Record<RangeFault, number>>>;
}

/** The position before all documents. */
export const START = -1;

/** Counters that no agent knows end here. */
const MANY = 3;

export function changed(state: RangeState, doc: number, part: Partial<RangeDoc>): RangeState {
  return { ...state, docs: state.docs.with(doc, { ...state.docs[doc]!, ...part }) };
}

export function withTask(state: RangeState, at: number, task?: Task): RangeState {
  return { ...state, agents: state.agents.with(at, task) };
}

/** The state after a fault; undefined if it has happened often enough. */
export function faulty(state: RangeState, fault: RangeFault): RangeState | undefined {
  const left = state.budget[fault] ?? 0;
  return left > 0 ? { ...state, budget: { ...state.budget, [fault]: left - 1 } } : undefined;
}

/** Notes that an agent that held these documents was killed or frozen. */
export function excused(state: RangeState, docs: readonly number[]): RangeState {
  return docs.reduce(
    (after, doc) => changed(after, doc, { excuses: Math.min(after.docs[doc]!.excuses + 1, MANY) }),
    state,
  );
}

/** Notes a run that succeeded. */
export function processed(state: RangeState, doc: number): RangeState {
  return changed(state, doc, { runs: Math.min(state.docs[doc]!.runs + 1, MANY + 1) });
}

/** The documents that an agent holds. */
export function heldBy(task: Task | undefined): readonly number[] {
  if (task?.kind === "document") return [task.doc];
  if (task?.kind !== "range") return [];
  return [
    ...task.todo,
    ...task.done,
    ...task.sent.filter(({ name }) => name === "ack").map(({ doc }) => doc),
  ];
}

/** Pending and untouched: ranges are claimed of these. */
export function isNew({ docs }: RangeState, doc: number): boolean {
  return docs[doc]!.status === "pending" && docs[doc]!.isNew;
}

/** The new documents after `from`, up to `to`. */
export function newWithin(state: RangeState, from: number, to: number): number[] {
  return state.docs.flatMap((_, doc) => doc > from && doc <= to && isNew(state, doc) ? [doc] : []);
}

function unused(used: Iterable<number>, first: number): number {
  const taken = new Set(used);
  let number = first;
  while (taken.has(number)) number += 1;
  return number;
}

export function freshToken({ docs, ranges, agents, late }: RangeState): number {
  return unused([
    ...docs.map(({ token }) => token),
    ...ranges.map(({ token }) => token),
    ...agents.map((task) => task && "token" in task ? task.token : 0),
    ...agents.flatMap((task) => task?.kind === "control" ? task.ranges.map(({ token }) => token) : []),
    ...late.map((write) => write.name === "swap" ? write.token : 0),
  ], 1);
}

export function freshVersion({ version, agents, late }: RangeState): number {
  return unused([
    version,
    ...agents.map((task) => task && "version" in task ? task.version : 0),
    ...late.map((write) => write.name === "swap" ? write.version : 0),
  ], 0);
}
