import type { Step } from "../explorer.ts";
import { isLocked } from "./locks.ts";
import { has, type Protocol } from "./protocol.ts";
import {
  anew,
  type Doc,
  NO_BOOKKEEPING,
  NONE,
  type Requeue,
  spent,
  type State,
  withDoc,
  withLetter,
  without,
} from "./state.ts";

/** The commands `requeue` and `cancel`: what an operator does to documents of any status. */
export class RequeueSteps {
  readonly #protocol: Protocol;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  of(state: State): Step<State>[] {
    return [
      ...state.docs.flatMap((doc, number) => [
        ...this.#read(state, number, doc),
        ...this.#cancel(state, number, doc),
      ]),
      ...state.requeues.flatMap((requeue) => this.#goOn(state, requeue)),
    ];
  }

  /** A requeue reads a document and its letter. */
  #read(state: State, number: number, doc: Doc): Step<State>[] {
    if (!mayBeRequeued(doc)) return [];
    const after = spent(state, "requeue");
    if (!after) return [];
    const { status, verdict } = doc;
    const requeue: Requeue = {
      doc: number,
      status,
      verdict,
      at: state.letters[number]?.at ?? NONE,
      stage: "read",
    };
    const label = `the operator reads d${number}, which is ${WORDS[status]}, to requeue it`;
    return [{ label, state: { ...after, requeues: [...after.requeues, requeue] } }];
  }

  /** It sets the document back, then removes the letter that it has read. */
  #goOn(state: State, requeue: Requeue): Step<State>[] {
    const { at, doc: number, stage } = requeue;
    const rest = { ...state, requeues: without(state.requeues, requeue) };
    const steps: Step<State>[] = [];
    const killed = spent(rest, "crash");
    if (killed) steps.push({ label: "the operator's command is killed", state: killed });
    if (stage === "half") {
      const hasMatched = state.letters[number]?.at === at;
      const label = `the operator removes the letter of d${number}${hasMatched ? "" : ": no match"}`;
      return [...steps, { label, state: hasMatched ? withLetter(rest, number, undefined) : rest }];
    }
    if (isLocked(state, number)) return steps;
    const doc = state.docs[number]!;
    const label = `the operator requeues d${number}`;
    const isAsRead = doc.status === requeue.status && doc.verdict === requeue.verdict && mayBeRequeued(doc);
    if (!isAsRead && (has(this.#protocol, "requeueAsRead") || doc.status === "gone")) {
      return [...steps, { label: `${label}: no match`, state: rest }];
    }
    const pending: Doc = {
      ...doc,
      ...NO_BOOKKEEPING,
      status: "pending",
      isScheduled: true,
      truth: anew(doc, false),
    };
    const requeues = at === NONE ? rest.requeues : [...rest.requeues, { ...requeue, stage: "half" } as const];
    return [...steps, { label, state: withDoc({ ...rest, requeues }, number, pending) }];
  }

  /** One write, which ends the lease. */
  #cancel(state: State, number: number, doc: Doc): Step<State>[] {
    if ((doc.status !== "pending" && doc.status !== "working") || doc.verdict !== NONE) return [];
    const after = isLocked(state, number) ? undefined : spent(state, "cancel");
    if (!after) return [];
    const canceled: Doc = {
      ...doc,
      status: "canceled",
      token: NONE,
      isLive: false,
      isScheduled: false,
      isAsleep: false,
      takeovers: 0,
      alone: 0,
      truth: { ...doc.truth, isBlamed: false, isReset: true },
    };
    return [{ label: `the operator cancels d${number}`, state: withDoc(after, number, canceled) }];
  }
}

const WORDS: Readonly<Record<Doc["status"], string>> = {
  pending: "pending",
  working: "in processing",
  done: "processed",
  failed: "failed",
  canceled: "canceled",
  gone: "deleted",
};

/** One that no agent holds, whose dead letter is not decided, and that some agent or operator has touched. */
function mayBeRequeued(doc: Doc): boolean {
  const { attempts, isAsleep, isLive, status, takeovers, token, verdict } = doc;
  switch (status) {
    case "pending":
      return verdict === NONE && (attempts > 0 || isAsleep || takeovers > 0);
    case "working":
      return verdict === NONE && token !== NONE && !isLive;
    case "gone":
      return false;
    default:
      return true;
  }
}
