import type { Step } from "../explorer.ts";
import { agentName } from "./run_steps.ts";
import { isLocked, leftOpen } from "./locks.ts";
import { has, type Protocol } from "./protocol.ts";
import {
  anew,
  type Doc,
  IDLE,
  NO_BOOKKEEPING,
  NONE,
  type Redrive,
  replaced,
  spent,
  type State,
} from "./state.ts";
import { withAgent, withDoc, withLetter, without } from "./state.ts";

/** What happens around the agents: time passes, processes end, users and other programs write. */
export class WorldSteps {
  readonly #protocol: Protocol;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  of(state: State): Step<State>[] {
    return [
      ...state.agents.flatMap((_, at) => this.#process(state, at)),
      ...state.docs.flatMap((doc, number) => this.#document(state, number, doc)),
      ...this.#operator(state),
    ];
  }

  #process(state: State, at: number): Step<State>[] {
    const agent = state.agents[at]!;
    if (!agent.claim && agent.items.length === 0) return [];
    const steps: Step<State>[] = [];
    const killed = spent(state, "crash");
    if (killed) {
      const label = `${agentName(at)} is killed`;
      // A commit may have been sent.
      const open = leftOpen(killed, agent.transaction, agent.transaction?.isWritten ?? false);
      steps.push({ label, state: { ...open, agents: replaced(open.agents, at, IDLE) } });
    }
    const drained = agent.isDraining ? undefined : spent(state, "drain");
    if (drained) {
      // A claim under way may still bring documents: an agent that does not wait for it leaves them to their leases.
      const claim = has(this.#protocol, "drainWaits") ? agent.claim : undefined;
      const label = `${agentName(at)} is told to drain`;
      steps.push({ label, state: withAgent(drained, at, { ...agent, claim, isDraining: true }) });
    }
    return steps;
  }

  #document(state: State, number: number, doc: Doc): Step<State>[] {
    const steps: Step<State>[] = [];
    const may = (after: State | undefined, label: string, changed: Doc) => {
      if (after) steps.push({ label, state: withDoc(after, number, changed) });
    };
    if (doc.status === "working" && doc.isLive) {
      const isKept = isTracked(state, doc.token) && has(this.#protocol, "renewal");
      const expired = isKept ? spent(state, "freeze") : state;
      const how = isKept ? ", as its holder is frozen" : "";
      may(expired, `the lease of d${number} runs out${how}`, { ...doc, isLive: false });
    }
    if (doc.isAsleep) may(state, `the snooze of d${number} is over`, { ...doc, isAsleep: false });
    // A write that is in no transaction waits until the one that has changed the document ends.
    if (isLocked(state, number)) return steps;
    if (doc.status === "pending") {
      may(spent(state, "edit"), `a user edits d${number}`, { ...doc, edition: 1 });
      const foreign: Doc = { ...doc, status: "working", truth: { ...doc.truth, isForeign: true } };
      may(spent(state, "take"), `another program sets d${number} to processing`, foreign);
    }
    if (doc.status === "working") {
      may(spent(state, "remove"), `a user deletes d${number}`, { ...doc, ...NO_BOOKKEEPING, status: "gone" });
      const truth = { ...doc.truth, isReset: true, isForeign: false };
      const meddled: Doc = { ...doc, status: "pending", isLive: false, truth };
      may(spent(state, "meddle"), `a user sets d${number} to pending and leaves _pull`, meddled);
    }
    const reset: Doc = { ...doc, ...NO_BOOKKEEPING, status: "pending", truth: anew(doc, true) };
    if (doc.status === "done") may(spent(state, "rerun"), `a user starts d${number} over`, reset);
    if (doc.status === "working" || doc.status === "failed") {
      may(spent(state, "reset"), `a user sets d${number} to pending and removes _pull`, reset);
    }
    if (has(this.#protocol, "staleLettersGo") && isStale(state, number)) {
      const label = `the stale letter of d${number} is removed`;
      steps.push({ label, state: withLetter(state, number, undefined) });
    }
    return steps;
  }

  /** `dead-letters redrive`: it reads a letter, sets the document back, removes the letter. */
  #operator(state: State): Step<State>[] {
    const steps: Step<State>[] = [];
    for (const [doc, letter] of state.letters.entries()) {
      const after = letter && spent(state, "redrive");
      if (!after) continue;
      const { at, isReference } = letter;
      const redrives = [...after.redrives, { doc, at, isReference, stage: "read" } as const];
      steps.push({ label: `the operator reads the letter of d${doc}`, state: { ...after, redrives } });
    }
    const isDocumentFirst = has(this.#protocol, "documentBeforeLetter");
    for (const redrive of state.redrives) {
      const { stage } = redrive;
      const rest = { ...state, redrives: without(state.redrives, redrive) };
      const isOnDocument = (stage === "read") === isDocumentFirst;
      const after = isOnDocument ? this.#setBack(rest, redrive) : this.#removeLetter(rest, redrive);
      if (stage === "half") {
        steps.push(after.step);
        const killed = spent(rest, "crash");
        if (killed) steps.push({ label: "the operator's command is killed", state: killed });
      } else if (after.hasMatched) {
        const redrives = [...after.step.state.redrives, { ...redrive, stage: "half" } as const];
        steps.push({ ...after.step, state: { ...after.step.state, redrives } });
      } else steps.push(after.step);
    }
    return steps;
  }

  #setBack(state: State, { doc: number, at, isReference }: Redrive): Write {
    const doc = state.docs[number]!;
    const isVerdict = doc.verdict === at || (isReference && doc.verdict === NONE) ||
      !has(this.#protocol, "redriveByVerdict");
    const label = `the operator sets d${number} to pending`;
    if (doc.status !== "failed" || !isVerdict) {
      return { hasMatched: false, step: { label: `${label}: no match`, state } };
    }
    const pending: Doc = {
      ...doc,
      ...NO_BOOKKEEPING,
      status: "pending",
      isScheduled: true,
      ...(!has(this.#protocol, "redriveDropsCheckpoint") && { saved: doc.saved, savedIn: doc.savedIn }),
      truth: anew(doc, false),
    };
    return { hasMatched: true, step: { label, state: withDoc(state, number, pending) } };
  }

  #removeLetter(state: State, { doc, at }: Redrive): Write {
    const letter = state.letters[doc];
    const isLetter = letter && (letter.at === at || !has(this.#protocol, "redriveByVerdict"));
    const label = `the operator removes the letter of d${doc}`;
    if (!isLetter) return { hasMatched: false, step: { label: `${label}: no match`, state } };
    return { hasMatched: true, step: { label, state: withLetter(state, doc, undefined) } };
  }
}

interface Write {
  hasMatched: boolean;
  step: Step<State>;
}

/**
 * A letter is stale if its document is gone, done, or carries another verdict. A letter that refers to a document
 * without a verdict stands as soon as the document is marked.
 */
function isStale({ docs, letters }: State, number: number): boolean {
  const [doc, letter] = [docs[number]!, letters[number]];
  if (letter === undefined) return false;
  if (doc.status === "gone" || doc.status === "done" || doc.status === "canceled") return true;
  return doc.verdict !== letter.at && !(letter.isReference && doc.verdict === NONE);
}

/** Whether an agent renews leases of this token. */
function isTracked({ agents }: State, token: number): boolean {
  return token !== NONE &&
    agents.some(({ claim, items }) => claim?.token === token || items.some((item) => item.token === token));
}
