import type { Step } from "../explorer.ts";
import { blamed, holderWrite, isHeld, matches, problemOfWrite, written } from "./holder_writes.ts";
import { has, type Protocol } from "./protocol.ts";
import {
  type Doc,
  type HolderWrite,
  IDLE,
  type Item,
  type Letter,
  nextTime,
  NONE,
  replaced,
  spent,
  type State,
  withDoc,
  withItem,
  withLetter,
} from "./state.ts";

/** What a document does when it is processed. poison: ends the process · flaky: succeeds or fails at will */
export type Nature = "good" | "flaky" | "bad" | "poison";

/** Processes that a poison document ends are counted up to this number. */
const MANY_ENDED = 6;

/** What an agent can do next with one document that it holds. */
export class ItemSteps {
  readonly #protocol: Protocol;
  readonly #natures: readonly Nature[];

  constructor(protocol: Protocol, natures: readonly Nature[]) {
    this.#protocol = protocol;
    this.#natures = natures;
  }

  of(state: State, at: number, item: Item): Step<State>[] {
    const { isDraining } = state.agents[at]!;
    const steps: Step<State>[] = [];
    switch (item.phase) {
      case "held":
        steps.push(...isDraining ? this.#write(state, at, item, "release") : this.#begin(state, at, item));
        break;
      case "back":
        steps.push(...this.#write(state, at, item, "release"));
        break;
      case "marked":
        steps.push(...isDraining ? this.#write(state, at, item, "release") : this.#start(state, at, item));
        break;
      case "running":
        steps.push(...this.#run(state, at, item));
        // A forced stop interrupts the handler, which is not a failure.
        if (isDraining) steps.push(...this.#write(state, at, item, "release"));
        break;
      case "succeeded":
        steps.push(...this.#write(state, at, item, "ack"));
        break;
      case "failed":
        steps.push(...this.#write(state, at, item, "nack"));
        break;
      case "sentenced":
        steps.push(
          ...has(this.#protocol, "verdictFirst")
            ? this.#write(state, at, item, "judge")
            : this.#copy(state, at, { ...item, verdict: nextTime(state, item.doc) }, item),
        );
        break;
      case "judged":
        steps.push(...this.#copy(state, at, item));
        break;
      case "copied":
        steps.push(...this.#write(state, at, item, "fail"));
        break;
      case "unjudged":
        steps.push(
          ...has(this.#protocol, "datedWhileHeld")
            ? this.#date(state, at, item)
            : this.#refer(state, at, { ...item, verdict: nextTime(state, item.doc) }, item),
        );
        break;
      case "dated":
        steps.push(...this.#refer(state, at, item));
        break;
      case "referred":
        steps.push(...this.#write(state, at, item, "failUnjudged"));
        break;
    }
    const renewed = this.#renew(state, at, item);
    if (renewed) steps.push(renewed);
    return steps;
  }

  /** A lease that is over can still be renewed if no other agent took it over. */
  #renew(state: State, at: number, item: Item): Step<State> | undefined {
    const doc = state.docs[item.doc]!;
    if (doc.isLive || doc.token !== item.token || !isHeld(doc, item, this.#protocol)) return undefined;
    const label = `${agentName(at)} renews its lease of d${item.doc}`;
    return { label, state: withDoc(state, item.doc, { ...doc, isLive: true }) };
  }

  #begin(state: State, at: number, item: Item): Step<State>[] {
    const isMarked = item.isSuspect && has(this.#protocol, "markBeforeStart");
    return isMarked ? this.#write(state, at, item, "mark") : this.#start(state, at, item);
  }

  #start(state: State, at: number, item: Item): Step<State>[] {
    const { doc: number } = item;
    const doc = state.docs[number]!;
    const isOurs = doc.token === item.token && doc.status === "working";
    const truth = item.isSuspect && isOurs && doc.isLive ? blamed(doc.truth) : doc.truth;
    if (this.#natures[number] !== "poison") {
      const started = withDoc(state, number, { ...doc, truth });
      const label = `${agentName(at)} starts the handler of d${number}`;
      return [{ label, state: withItem(started, at, item, { ...item, phase: "running" }) }];
    }
    const ended = Math.min(truth.ended + (truth.life === item.life ? 1 : 0), MANY_ENDED);
    const after = withDoc(state, number, { ...doc, truth: { ...truth, ended } });
    const label = `${agentName(at)} starts the handler of d${number}, which ends the process`;
    return [{ label, state: { ...after, agents: replaced(after.agents, at, IDLE) } }];
  }

  #run(state: State, at: number, item: Item): Step<State>[] {
    const { doc: number } = item;
    const doc = state.docs[number]!;
    const { truth } = doc;
    const isSameLife = truth.life === item.life ? 1 : 0;
    const steps: Step<State>[] = [];
    if (this.#natures[number] !== "bad") {
      const successes = Math.min(truth.successes + isSameLife, 2);
      const isOld = doc.token === item.token && doc.status === "working" && doc.edition !== item.edition;
      steps.push({
        label: `${agentName(at)} has processed d${number}`,
        state: withItem(
          withDoc(state, number, { ...doc, truth: { ...truth, successes } }),
          at,
          item,
          { ...item, phase: "succeeded" },
        ),
        problem: isOld ? `d${number} was processed as it was before it was edited` : undefined,
      });
    }
    if (this.#natures[number] !== "good") {
      const { maxAttempts } = this.#protocol;
      const failures = Math.min(truth.failures + isSameLife, maxAttempts);
      const phase = item.attempt >= maxAttempts ? "sentenced" : "failed";
      const attempt = `attempt ${item.attempt} of ${maxAttempts}`;
      steps.push({
        label: `${agentName(at)}'s handler of d${number} fails (${attempt})`,
        state: withItem(
          withDoc(state, number, { ...doc, truth: { ...truth, failures } }),
          at,
          item,
          { ...item, phase },
        ),
      });
    }
    return steps;
  }

  /** A write by the holder: it matches or not; its answer may be lost, and it may then be applied late or never. */
  #write(state: State, at: number, item: Item, name: HolderWrite["name"]): Step<State>[] {
    const write = holderWrite(name, item);
    const doc = state.docs[item.doc]!;
    const label = `${agentName(at)} ${WRITES[name](item.doc)}`;
    const steps: Step<State>[] = [];
    if (matches(doc, write, this.#protocol)) {
      const refused = name === "judge" ? spent(state, "refuse") : undefined;
      if (refused) {
        const unjudged: Item = { ...item, phase: "unjudged" };
        steps.push({ label: `${label}: refused`, state: withItem(refused, at, item, unjudged) });
      }
      const time = name === "judge" ? nextTime(state, item.doc) : NONE;
      const after = withDoc(state, item.doc, written(doc, write, time, this.#protocol));
      const next = this.#after(item, name, time);
      steps.push({ label, state: withItem(after, at, item, next), problem: problemOfWrite(doc, write) });
      const lost = spent(state, "lose");
      if (lost) {
        steps.push({
          label: `${label}: no answer`,
          state: withItem(
            { ...lost, messages: [...lost.messages, { kind: "write", write }] },
            at,
            item,
            this.#unanswered(item, name),
          ),
        });
      }
    } else if ((name === "judge" || name === "failUnjudged") && isHeld(doc, write, this.#protocol)) {
      const known: Item = { ...item, phase: "judged", verdict: doc.verdict };
      steps.push({ label: `${label}: a verdict stands already`, state: withItem(state, at, item, known) });
    } else {
      steps.push({ label: `${label}: no match, its lease is lost`, state: withItem(state, at, item) });
    }
    return steps;
  }

  /** What is held once the write is answered; undefined for nothing. */
  #after(item: Item, name: HolderWrite["name"], time: number): Item | undefined {
    if (name === "mark") return { ...item, phase: "marked" };
    if (name === "judge") return { ...item, phase: "judged", verdict: time };
    return undefined;
  }

  /**
   * A write without an answer is sent again. After the mark of a reference, all is tried again from the verdict on. The
   * mark of a suspect is not sent again.
   */
  #unanswered(item: Item, name: HolderWrite["name"]): Item {
    if (name === "failUnjudged") return { ...item, phase: "sentenced", verdict: NONE };
    if (name !== "mark") return item;
    return { ...item, phase: has(this.#protocol, "noAnswerNoStart") ? "back" : "marked" };
  }

  /** A look at a document that took no verdict: any later decision of another agent is newer. */
  #date(state: State, at: number, item: Item): Step<State>[] {
    const doc = state.docs[item.doc]!;
    const label = `${agentName(at)} looks whether it still holds d${item.doc}`;
    if (!isHeld(doc, item, this.#protocol)) {
      return [{ label: `${label}: its lease is lost`, state: withItem(state, at, item) }];
    }
    const next: Item = doc.verdict === NONE
      ? { ...item, phase: "dated", verdict: nextTime(state, item.doc) }
      : { ...item, phase: "judged", verdict: doc.verdict };
    return [{ label, state: withItem(state, at, item, next) }];
  }

  /** Without an answer, all is tried again from the verdict on. */
  #refer(state: State, at: number, item: Item, held = item): Step<State>[] {
    const { doc, verdict, life } = item;
    const letter = { at: verdict, life, isReference: true };
    const label = `${agentName(at)} writes a letter that refers to d${doc}`;
    const written = withCopy(state, doc, letter, this.#protocol);
    const steps = [{ label, state: withItem(written, at, held, { ...item, phase: "referred" }) }];
    const lost = spent(state, "lose");
    if (lost) {
      const messages = [...lost.messages, { kind: "copy", doc, letter } as const];
      const again: Item = { ...held, phase: "sentenced", verdict: NONE };
      steps.push({ label: `${label}: no answer`, state: withItem({ ...lost, messages }, at, held, again) });
    }
    return steps;
  }

  /** No lease protects the copy: it may come at any time after the verdict was written. */
  #copy(state: State, at: number, item: Item, held = item): Step<State>[] {
    const { doc, verdict, life } = item;
    const letter = { at: verdict, life, isReference: false };
    const label = `${agentName(at)} copies d${doc} to the dead letters`;
    const copied: Item = { ...item, phase: "copied" };
    const steps = [{
      label,
      state: withItem(withCopy(state, doc, letter, this.#protocol), at, held, copied),
    }];
    const lost = has(this.#protocol, "verdictFirst") ? spent(state, "lose") : undefined;
    if (lost) {
      const messages = [...lost.messages, { kind: "copy", doc, letter } as const];
      steps.push({ label: `${label}: no answer`, state: { ...lost, messages } });
    }
    return steps;
  }
}

const WRITES: Record<HolderWrite["name"], (doc: number) => string> = {
  mark: (doc) => `marks d${doc} as alone`,
  ack: (doc) => `acks d${doc}`,
  nack: (doc) => `nacks d${doc}`,
  release: (doc) => `releases d${doc}`,
  judge: (doc) => `writes the verdict on d${doc}`,
  fail: (doc) => `marks d${doc} as failed`,
  failUnjudged: (doc) => `marks d${doc} as failed, without a verdict`,
};

/** Letters of agents, for traces. */
export function agentName(at: number): string {
  return "ABC"[at]!;
}

/** The state with a letter written, unless a newer one is there. */
export function withCopy(state: State, doc: number, letter: Letter, protocol: Protocol): State {
  const there = state.letters[doc];
  if (there && there.at > letter.at && has(protocol, "newerLetterStays")) return state;
  return withLetter(state, doc, letter);
}

/** A write that was given up is applied, if it still matches. */
export function lateWrite(state: State, write: HolderWrite, protocol: Protocol): Step<State> {
  const doc: Doc = state.docs[write.doc]!;
  const label = `the write that ${WRITES[write.name](write.doc)}, given up, is applied late`;
  if (!matches(doc, write, protocol)) return { label: `${label}: no match`, state };
  const time = write.name === "judge" ? nextTime(state, write.doc) : NONE;
  const after = withDoc(state, write.doc, written(doc, write, time, protocol));
  return { label, state: after, problem: problemOfWrite(doc, write) };
}
