/**
 * The state of the claim protocol's model: documents, dead letters, agents, writes under way to the database, commands
 * of an operator, and what the adversary may still do. A state is a value: steps make new ones.
 *
 * Time is abstract. A lease is live until it expires; a renewal is a lease that does not expire. A back-off is over at
 * once. The time of a verdict is a number that is greater than all others of that document that are still known.
 */

import type { Budget, Fault } from "./faults.ts";

/** Queries that claims are made with, as in `agent/store/queries.ts`. */
export type Kind = "due_retries" | "expired_leases" | "new_documents" | "due_suspects" | "expired_suspects";

export function isSuspectKind(kind: Kind): boolean {
  return kind === "due_suspects" || kind === "expired_suspects";
}

export function isExpiredKind(kind: Kind): boolean {
  return kind === "expired_leases" || kind === "expired_suspects";
}

/** No lease, no verdict. */
export const NONE = 0;

/** A document in the database. */
export interface Doc {
  readonly status: "pending" | "working" | "done" | "failed" | "canceled" | "gone";
  readonly token: number;
  /** The lease is not over. */
  readonly isLive: boolean;
  /** Has `_pull.visible_at`: a document without it is new. */
  readonly isScheduled: boolean;
  readonly attempts: number;
  readonly takeovers: number;
  readonly alone: number;
  /** `_pull.dead_at`. */
  readonly verdict: number;
  /** Snoozed, and not due yet. */
  readonly isAsleep: boolean;
  /** `_pull.snoozes`. */
  readonly snoozes: number;
  /** The number of its checkpoint, `_pull.saved.n`, and the life that it was made in. */
  readonly saved: number;
  readonly savedIn: number;
  /** Version of the user's fields. */
  readonly edition: number;
  /** What no agent knows, but the properties need. */
  readonly truth: Truth;
}

/** What really happened to a document since it was inserted or started over. */
export interface Truth {
  /** How often it was started over, by a redrive or by hand. */
  readonly life: number;
  /** Runs that failed, or ended the process while it was alone. */
  readonly failures: number;
  /** Leases under which it was marked as alone, and which were not released. */
  readonly blames: number;
  /** The present lease is one of them. */
  readonly isBlamed: boolean;
  /** Processes that its handler has ended. */
  readonly ended: number;
  /** Runs that succeeded. */
  readonly successes: number;
  /** Committed effects: how often the writes that it asks for were made. */
  readonly effects: number;
  /** Runs that asked for a snooze. */
  readonly dozes: number;
  /** The latest checkpoint that a holder was told is written. */
  readonly confirmed: number;
  /** Another program set its status to `processing`. */
  readonly isForeign: boolean;
  /** A user started it over, and no claim has taken it since. */
  readonly isReset: boolean;
}

/** A letter in the dead-letter collection. */
export interface Letter {
  readonly at: number;
  /** The life of the document that it is about; no agent knows it. */
  readonly life: number;
  /** It refers to its document, which took no verdict. */
  readonly isReference: boolean;
}

/**
 * held: not started · back: to be released · marked: a suspect about to start · running · succeeded · failed: to be
 * tried again · sentenced: to be a dead letter · noted: the verdict is written · judged: it is known, and stands · copied: the letter stands · unjudged: the
 * verdict was refused · dated: the document is still held, and the letter has a time · referred: that letter stands ·
 * snoozing: to be snoozed · unsure: it succeeded, and whether its transaction was committed is not known · apart: it
 * succeeded, and gets a transaction of its own · effected: its writes are made, and it is not acked
 */
export type Phase =
  | "held"
  | "back"
  | "marked"
  | "running"
  | "succeeded"
  | "failed"
  | "sentenced"
  | "noted"
  | "judged"
  | "copied"
  | "unjudged"
  | "dated"
  | "referred"
  | "snoozing"
  | "unsure"
  | "apart"
  | "effected";

/** A document that an agent holds, as the agent knows it. */
export interface Item {
  readonly doc: number;
  readonly token: number;
  readonly phase: Phase;
  /** The number of this run. */
  readonly attempt: number;
  readonly isSuspect: boolean;
  /** `_pull.alone` as it was claimed. */
  readonly alone: number;
  readonly verdict: number;
  readonly edition: number;
  readonly life: number;
  /** The checkpoint that the run gets, and the life that it was made in. */
  readonly saved: number;
  readonly savedIn: number;
  /** The latest checkpoint that the run has made, and the latest that it was told is written. */
  readonly made: number;
  readonly stored: number;
}

/** A candidate as it was read. */
export interface Candidate {
  readonly doc: number;
  readonly kind: Kind;
  readonly attempts: number;
  readonly alone: number;
  readonly verdict: number;
  readonly edition: number;
  readonly life: number;
  readonly saved: number;
  readonly savedIn: number;
}

/** The claim that an agent waits for, or has to read back. */
export interface PendingClaim {
  readonly token: number;
  readonly candidates: readonly Candidate[];
  /** It has to be read back by its token: others were faster, or its answer is lost. */
  readonly isReadBack: boolean;
  /** Its answer is lost. */
  readonly isLost: boolean;
}

/** A transaction that is open: its acks are made, so that no other write can change its documents. */
export interface Transaction {
  readonly members: readonly Item[];
  /** The members whose ack matched: all, unless a rule is switched off. */
  readonly matched: readonly number[];
  /** Their writes are made, too. */
  readonly isWritten: boolean;
}

export interface Agent {
  readonly claim: PendingClaim | undefined;
  readonly transaction?: Transaction | undefined;
  readonly items: readonly Item[];
  readonly isDraining: boolean;
}

/** What an agent writes on a document that it holds, with all that the write needs to know. */
export interface HolderWrite
  extends Pick<Item, "doc" | "token" | "alone" | "isSuspect" | "verdict" | "life"> {
  readonly name: "mark" | "ack" | "nack" | "release" | "snooze" | "save" | "judge" | "fail" | "failUnjudged";
  /** The checkpoint that it writes; 0 for none. */
  readonly saved: number;
}

/** A write under way. A claim is applied document by document; the others are writes that their sender has given up. */
export type Message =
  | {
    readonly kind: "claim";
    readonly token: number;
    readonly candidates: readonly Candidate[];
    /** How many of the documents it has passed, and how many of them it has taken. */
    readonly at: number;
    readonly taken: number;
  }
  | { readonly kind: "write"; readonly write: HolderWrite }
  | { readonly kind: "copy"; readonly doc: number; readonly letter: Letter }
  /** A transaction that its agent has left open; `isCommitSent`: or whose commit has no answer. */
  | { readonly kind: "transaction"; readonly transaction: Transaction; readonly isCommitSent: boolean };

/** A redrive under way: it has read the letter, and then written one of its two writes. */
export interface Redrive {
  readonly doc: number;
  readonly at: number;
  readonly isReference: boolean;
  readonly stage: "read" | "half";
}

/** A requeue under way: it has read the document and its letter, or also set the document back. */
export interface Requeue {
  readonly doc: number;
  /** What it has read. */
  readonly status: Doc["status"];
  readonly verdict: number;
  /** The time of the letter; `NONE` if there is none. */
  readonly at: number;
  readonly stage: "read" | "half";
}

export interface State {
  readonly docs: readonly Doc[];
  readonly letters: readonly (Letter | undefined)[];
  readonly agents: readonly Agent[];
  readonly messages: readonly Message[];
  readonly redrives: readonly Redrive[];
  readonly requeues: readonly Requeue[];
  readonly budget: Budget;
}

/** `_pull` as it is on a document that no agent has touched. */
export const NO_BOOKKEEPING = {
  token: NONE,
  isLive: false,
  isScheduled: false,
  attempts: 0,
  takeovers: 0,
  alone: 0,
  verdict: NONE,
  isAsleep: false,
  snoozes: 0,
  saved: NONE,
  savedIn: 0,
} as const;

const NEW_TRUTH: Truth = {
  life: 0,
  failures: 0,
  blames: 0,
  isBlamed: false,
  ended: 0,
  successes: 0,
  effects: 0,
  dozes: 0,
  confirmed: NONE,
  isForeign: false,
  isReset: false,
};

export const NEW_DOC: Doc = { status: "pending", ...NO_BOOKKEEPING, edition: 0, truth: NEW_TRUTH };
export const IDLE: Agent = { claim: undefined, items: [], isDraining: false };

/** The true history of a document that starts over. */
export function anew({ truth }: Doc, isReset: boolean): Truth {
  return { ...NEW_TRUTH, life: truth.life + 1, isReset };
}

export function replaced<T>(list: readonly T[], at: number, value: T): readonly T[] {
  return list.with(at, value);
}

export function without<T>(list: readonly T[], value: T): readonly T[] {
  return list.filter((each) => each !== value);
}

export function withDoc(state: State, at: number, doc: Doc): State {
  return { ...state, docs: replaced(state.docs, at, doc) };
}

export function withLetter(state: State, at: number, letter: Letter | undefined): State {
  return { ...state, letters: replaced(state.letters, at, letter) };
}

/** An agent that drains ends once it holds nothing and waits for no claim; an idle one replaces it. */
export function withAgent(state: State, at: number, agent: Agent): State {
  const isOver = agent.isDraining && agent.items.length === 0 && !agent.claim;
  return { ...state, agents: replaced(state.agents, at, isOver ? IDLE : agent) };
}

/** The state with an item replaced, or without it if there is no `next`. */
export function withItem(state: State, at: number, item: Item, next?: Item): State {
  const agent = state.agents[at]!;
  const items = next ? agent.items.map((each) => each === item ? next : each) : without(agent.items, item);
  return withAgent(state, at, { ...agent, items });
}

/** The state after the adversary has done something; undefined if it may not do that any more. */
export function spent(state: State, fault: Fault): State | undefined {
  const left = state.budget[fault] ?? 0;
  return left > 0 ? { ...state, budget: { ...state.budget, [fault]: left - 1 } } : undefined;
}
