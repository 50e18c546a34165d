import type { Step } from "../explorer.ts";
import { modeLabel } from "./claim_steps.ts";
import { claimed, modeTaken } from "./control_writes.ts";
import { lostAnswer } from "./lost_answer.ts";
import type { RangeProtocol } from "./protocol.ts";
import {
  changed,
  ended,
  excused,
  faulty,
  freshToken,
  isHolder,
  isNew,
  processed,
  type RangeState,
  withTask,
} from "./state.ts";
import type { Task, TaskOf } from "./task.ts";

/**
 * Claims by document, which are abstract here: of documents with bookkeeping by agents of either mode, and of new documents
 * by agents in document mode.
 */
export class DocumentSteps {
  readonly #protocol: RangeProtocol;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
  }

  idle(state: RangeState, at: number, name: string): Step<RangeState>[] {
    const steps = state.docs.flatMap((_, doc) => this.#claim(state, at, name, doc));
    if (this.#protocol.isDocumentAgent(at)) steps.push(...this.#newDocuments(state, at, name));
    if (state.shown[at]) steps.push({ label: `${name} ends, and starts anew`, state: ended(state, at, []) });
    return steps;
  }

  /** Claims a new document that it has found: by a query, or in a change stream. */
  candidate(
    state: RangeState,
    at: number,
    name: string,
    { doc }: TaskOf<"candidate">,
  ): Step<RangeState>[] {
    if (state.docs[doc]!.isLocked) return [];
    const token = freshToken(state);
    const isOver = !state.hasMode[at] && this.#usesMode(at);
    const after = claimed(state, { doc, token, isOver }, this.#protocol);
    const label = `${name} claims d${doc} by document under t${token}`;
    const idle = withTask(state, at);
    if (after && this.#protocol.natures[doc] === "stubborn") {
      return [{ label: `${name}'s claim of d${doc} is refused, and it fails`, state: withTask(after, at) }];
    }
    return [
      after
        ? { label, state: withTask(after, at, { kind: "document", token, doc, isDone: false }) }
        : { label: `${name}'s claim of d${doc} does not match`, state: idle },
      ...lostAnswer(`${label}: no answer`, idle, { name: "claim", doc, token, isOver }),
    ];
  }

  document(
    state: RangeState,
    at: number,
    name: string,
    task: TaskOf<"document">,
  ): Step<RangeState>[] {
    const { doc, token, isDone } = task;
    const { isJudged, status, token: now } = state.docs[doc]!;
    const isHeld = status === "working" && now === token;
    if (isHeld && isJudged) {
      const failed = changed(state, doc, { status: "failed", token: 0, isJudged: false, hasLetter: true });
      return [{ label: `${name} finishes the verdict on d${doc}`, state: withTask(failed, at) }];
    }
    if (this.#protocol.natures[doc] === "poison") {
      const killed = changed(ended(state, at, [doc]), doc, { ended: state.docs[doc]!.ended + 1 });
      return [{ label: `${name} starts d${doc}, which ends the process`, state: killed }];
    }
    if (!isDone) {
      return [{
        label: `${name} processes d${doc}`,
        state: withTask(processed(state, doc), at, { ...task, isDone: true }),
      }];
    }
    const effects = state.docs[doc]!.effects + (this.#protocol.natures[doc] === "writing" ? 1 : 0);
    const acked = isHeld ? changed(state, doc, { status: "done", token: 0, effects }) : state;
    return [{ label: `${name} acks d${doc}${isHeld ? "" : ": no match"}`, state: withTask(acked, at) }];
  }

  #usesMode(at: number): boolean {
    return this.#protocol.has("takesMode") && !this.#protocol.isSilent(at);
  }

  /** Of a document that has bookkeeping and is due, or that was held by an agent that is gone or frozen. */
  #claim(state: RangeState, at: number, name: string, doc: number): Step<RangeState>[] {
    const { status, isLocked, isNew: isUntouched, takeovers } = state.docs[doc]!;
    const isWaiting = status === "pending" && !isUntouched;
    if (isLocked || (!isWaiting && status !== "working")) return [];
    const free = isWaiting || !this.#isRenewed(state, doc) ? state : frozen(state, doc);
    if (!free) return [];
    const isPoison = this.#protocol.natures[doc] === "poison";
    if (isPoison && !isWaiting && takeovers >= 1) {
      const failed = changed(free, doc, { status: "failed", token: 0 });
      return [{ label: `d${doc} is run alone, and is a dead letter in the end`, state: failed }];
    }
    const token = freshToken(free);
    const after = changed(free, doc, {
      status: "working",
      token,
      isNew: false,
      takeovers: isPoison && !isWaiting ? takeovers + 1 : takeovers,
    });
    const task: Task = { kind: "document", token, doc, isDone: false };
    const how = isWaiting ? "claims" : "takes over";
    return [{
      label: `${name} ${how} d${doc} by document under t${token}`,
      state: withTask(after, at, task),
    }];
  }

  /** Whether an agent works on a document that has a lease, and renews that. */
  #isRenewed({ agents, docs }: RangeState, doc: number): boolean {
    const holder = agents.find((task) => isHolder(task, { doc, token: docs[doc]!.token }));
    return holder?.kind === "document" || (holder !== undefined && this.#protocol.has("renewsOwnLeases"));
  }

  #newDocuments(state: RangeState, at: number, name: string): Step<RangeState>[] {
    const found = [...state.docs.keys()].filter((doc) => isNew(state, doc));
    if (state.hasMode[at] || !this.#usesMode(at)) {
      const candidates = found.map((doc) => ({
        label: `${name} finds d${doc}`,
        state: withTask(state, at, { kind: "candidate", doc }),
      }));
      return [...candidates, ...this.#madeInMode(state, at, name)];
    }
    const taken = modeTaken(state, "document", this.#protocol);
    if (!taken || found.length === 0) return [];
    const label = `${name} gets no answer as it takes document mode`;
    const hasMode = taken.hasMode.with(at, taken.mode.name === "document");
    return [
      { label: modeLabel(taken, name), state: { ...taken, hasMode, shown: taken.shown.with(at, true) } },
      ...lostAnswer(label, state, { name: "mode", mode: "document" }),
    ];
  }

  /** Renews its mode, and finds that the control document was removed: no agent can hold a range. */
  #madeInMode(state: RangeState, at: number, name: string): Step<RangeState>[] {
    if (state.mode.name !== "removed" || !state.hasMode[at]) return [];
    const label = `${name} makes the control document anew, in its mode`;
    return [{ label, state: { ...state, mode: { name: "document", isLive: true } } }];
  }
}

/** The state in which the holder of a document was frozen for longer than its lease. */
function frozen(state: RangeState, doc: number): RangeState | undefined {
  const after = faulty(state, "freeze");
  return after && excused(after, [doc]);
}
