import type { RangeFault } from "./faults.ts";
import type { RangeProtocol } from "./protocol.ts";
import type { ModeName, Range } from "./range.ts";
import type { LateWrite, Task, TaskOf } from "./task.ts";

/**
 * The state of the model of range claims. Documents are named by their place in the order of `_id`. The version of the
 * control document is only compared, so any number that is not in use is a new one.
 */

/** A document in the database. */
export interface RangeDoc {
  /** absent: not inserted yet · stopped: with a status that is not the agent's · gone: deleted */
  readonly status: "absent" | "pending" | "working" | "done" | "failed" | "stopped" | "gone";
  /** Has no bookkeeping: no agent has touched it. */
  readonly isNew: boolean;
  readonly token: number;
  /** A failed run is noted on it. */
  readonly hasFailed: boolean;
  /** Leases that ran out, as they are counted on a poison document. */
  readonly takeovers: number;
  /** It carries the verdict that it is a dead letter. */
  readonly isJudged: boolean;
  readonly hasLetter: boolean;
  /** A user has given it another status. */
  readonly isStopped: boolean;
  /** Runs that succeeded since it was inserted or reset; no agent knows them. */
  readonly runs: number;
  /** Kills and freezes of agents that held it; no agent knows them. */
  readonly excuses: number;
  /** An open transaction has changed it: other writes wait. */
  readonly isLocked: boolean;
  /** How often its writes were made since it was inserted or reset; no agent knows it. */
  readonly effects: number;
  /** Processes that it has ended beside other documents; no agent knows them. */
  readonly ended: number;
}

/** What a document has on it that was just inserted. */
export const NOTHING = {
  isNew: true,
  token: 0,
  hasFailed: false,
  takeovers: 0,
  isJudged: false,
  hasLetter: false,
  isStopped: false,
} as const;

/** The mode of the fleet, as the control document has it. */
export interface Mode {
  /** removed: there is no control document · made: it was made anew, and has no mode yet */
  readonly name: ModeName | "removed" | "made";
  /** Whether its lease, or the wait after it was made, has not run out. Only that of range mode keeps nothing from happening. */
  readonly isLive: boolean;
}

export interface RangeState {
  readonly docs: readonly RangeDoc[];
  /** The control document. */
  readonly position: number;
  readonly version: number;
  readonly ranges: readonly Range[];
  readonly mode: Mode;
  readonly agents: readonly (Task | undefined)[];
  /** Of each agent, whether it has taken document mode, and no lease of that has run out since. */
  readonly hasMode: readonly boolean[];
  /** Of each agent, whether it is seen to be one that claims by document: it has shown itself, and lives. */
  readonly shown: readonly boolean[];
  readonly late: readonly LateWrite[];
  /** The control document as a majority has it, if its last write is to be undone. */
  readonly undone?: Pick<RangeState, "position" | "version" | "ranges" | "mode">;
  readonly budget: Readonly<Partial<Record<RangeFault, number>>>;
}

/** The control document. */
export function controlOf({ position, version, ranges, mode }: RangeState): Required<RangeState>["undone"] {
  return { position, version, ranges, mode };
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

/** The state in which a write is under way whose sender has given it up. */
export function withLate(state: RangeState, ...writes: readonly LateWrite[]): RangeState {
  return { ...state, late: [...state.late, ...writes] };
}

export function withRange(state: RangeState, old: Range, range: Range): RangeState {
  return { ...state, ranges: state.ranges.map((each) => each === old ? range : each) };
}

export function withoutRange(state: RangeState, token: number): RangeState {
  return { ...state, ranges: state.ranges.filter((range) => range.token !== token) };
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

/** The state in which an agent has ended, as something went wrong while it held these documents. */
export function ended(state: RangeState, at: number, held: readonly number[]): RangeState {
  const task = state.agents[at];
  const open = task?.kind === "range" ? task.open : undefined;
  const unlocked = open === undefined ? state : changed(state, open, { isLocked: false });
  const after = withTask(excused(unlocked, held), at);
  return { ...after, hasMode: after.hasMode.with(at, false), shown: after.shown.with(at, false) };
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
    ...task.sent.filter(({ name }) => name === "ack" || name === "failure").map(({ doc }) => doc),
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

/** The documents of a range that a holder has no answer for, and that have no lease of their own, as it knows. */
export function inRange({ todo, done, sent, own }: TaskOf<"range">): number[] {
  return [...todo, ...done, ...sent.map(({ doc }) => doc)].filter((doc) => !own.includes(doc));
}

/** Whether an agent works on a document under this token, and renews its lease. */
export function isHolder(task: Task | undefined, { doc, token }: { doc: number; token: number }): boolean {
  if (task?.kind === "document") return task.token === token;
  if (task?.kind !== "range" || task.token !== token) return false;
  return task.own.includes(doc) || inRange(task).includes(doc);
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
    ...late.flatMap((write) => "token" in write ? [write.token] : []),
    ...late.flatMap((write) => write.name === "takeover" ? [write.next] : []),
  ], 1);
}

/** A version of the control document that no agent knows. */
export function freshVersion({ version, agents, late }: RangeState, protocol: RangeProtocol): number {
  if (!protocol.has("versionsAreUnique")) return version + 1;
  return unused([
    version,
    ...agents.map((task) => task && "version" in task ? task.version : 0),
    ...late.map((write) => "version" in write ? write.version : 0),
  ], 0);
}

/** A range for people. */
export function interval({ from, to }: Pick<Range, "from" | "to">): string {
  return `(${from === START ? "start" : `d${from}`}, d${to}]`;
}
