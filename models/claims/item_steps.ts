import type { Step } from "../explorer.ts";
import { nextTime } from "./fresh.ts";
import {
  answered,
  holderWrite,
  isHeld,
  matches,
  matchesLate,
  problemOfWrite,
  written,
} from "./holder_writes.ts";
import { isLocked } from "./locks.ts";
import { asksForWrites, type Nature } from "./natures.ts";
import { has, type Protocol } from "./protocol.ts";
import { agentName, RunSteps } from "./run_steps.ts";
import {
  type Doc,
  type HolderWrite,
  type Item,
  type Letter,
  NONE,
  spent,
  type State,
  withDoc,
  withItem,
  withLetter,
} from "./state.ts";

/** What an agent can do next with one document that it holds. */
export class ItemSteps {
  readonly #protocol: Protocol;
  readonly #natures: readonly Nature[];
  readonly #runs: RunSteps;

  constructor(protocol: Protocol, natures: readonly Nature[]) {
    this.#protocol = protocol;
    this.#natures = natures;
    this.#runs = new RunSteps(protocol, natures);
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
        steps.push(
          ...isDraining ? this.#write(state, at, item, "release") : this.#runs.start(state, at, item),
        );
        break;
      case "running":
        steps.push(...this.#runs.of(state, at, item));
        if (item.made > item.stored) steps.push(...this.#write(state, at, item, "save"));
        // A forced stop interrupts the handler, which is not a failure.
        if (isDraining) steps.push(...this.#write(state, at, item, "release"));
        break;
      case "succeeded":
        // With writes it gets its ack in a transaction.
        if (!asksForWrites(this.#natures[item.doc]!)) steps.push(...this.#write(state, at, item, "ack"));
        break;
      case "unsure":
        // If it was committed, the release misses.
        if (isDraining) steps.push(...this.#write(state, at, item, "release"));
        break;
      case "apart":
        break;
      case "effected":
        steps.push(...this.#write(state, at, item, "ack"));
        break;
      case "snoozing":
        steps.push(...this.#write(state, at, item, "snooze"));
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
      case "noted":
        steps.push(...this.#readVerdict(state, at, item, `reads the verdict on d${item.doc}`));
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
            ? this.#readVerdict(state, at, item, `looks whether it still holds d${item.doc}`)
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
    if (
      doc.isLive || doc.token !== item.token || isLocked(state, item.doc) ||
      !isHeld(doc, item, this.#protocol)
    ) return undefined;
    const label = `${agentName(at)} renews its lease of d${item.doc}`;
    return { label, state: withDoc(state, item.doc, { ...doc, isLive: true }) };
  }

  #begin(state: State, at: number, item: Item): Step<State>[] {
    const isMarked = item.isSuspect && has(this.#protocol, "markBeforeStart");
    return isMarked ? this.#write(state, at, item, "mark") : this.#runs.start(state, at, item);
  }

  /** A write by the holder: it matches or not; its answer may be lost, and it may then be applied late or never. */
  #write(state: State, at: number, item: Item, name: HolderWrite["name"]): Step<State>[] {
    if (isLocked(state, item.doc)) return [];
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
      const changed = answered(written(doc, write, time, this.#protocol), write);
      const after = withDoc(state, item.doc, changed);
      const next = this.#after(item, name);
      steps.push({ label, state: withItem(after, at, item, next), problem: problemOfWrite(doc, write) });
      const late = name === "mark" && this.#protocol.marksByLiteral ? spent(state, "freeze") : undefined;
      if (late) {
        const back: Item = { ...item, phase: "back" };
        steps.push({
          label: `${label}: too late, as far as it knows`,
          state: withItem(late, at, item, back),
        });
      }
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
      const known: Item = { ...item, phase: "noted" };
      steps.push({ label: `${label}: a verdict stands already`, state: withItem(state, at, item, known) });
    } else {
      steps.push({ label: `${label}: no match, its lease is lost`, state: withItem(state, at, item) });
    }
    return steps;
  }

  /** What is held once the write is answered; undefined for nothing. */
  #after(item: Item, name: HolderWrite["name"]): Item | undefined {
    if (name === "mark") return { ...item, phase: "marked" };
    if (name === "judge") return { ...item, phase: "noted" };
    if (name === "save") return { ...item, stored: item.made };
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

  /**
   * The answer to a verdict does not tell its time: it is read. If a document took none, the letter gets the time of this
   * look: any later decision of another agent is newer.
   */
  #readVerdict(state: State, at: number, item: Item, reading: string): Step<State>[] {
    const doc = state.docs[item.doc]!;
    const label = `${agentName(at)} ${reading}`;
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
  snooze: (doc) => `snoozes d${doc}`,
  save: (doc) => `writes its checkpoint of d${doc}`,
  judge: (doc) => `writes the verdict on d${doc}`,
  fail: (doc) => `marks d${doc} as failed`,
  failUnjudged: (doc) => `marks d${doc} as failed, without a verdict`,
};

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
  if (!matchesLate(doc, write, protocol)) return { label: `${label}: no match`, state };
  const time = write.name === "judge" ? nextTime(state, write.doc) : NONE;
  const after = withDoc(state, write.doc, written(doc, write, time, protocol));
  return { label, state: after, problem: problemOfWrite(doc, write) };
}
