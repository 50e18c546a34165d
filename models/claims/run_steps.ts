import type { Step } from "../explorer.ts";
import { blamed } from "./holder_writes.ts";
import { mayDoze, mayEnd, mayFail, maySave, maySucceed, type Nature } from "./natures.ts";
import type { Protocol } from "./protocol.ts";
import {
  type Doc,
  IDLE,
  type Item,
  NONE,
  replaced,
  type State,
  type Truth,
  withDoc,
  withItem,
} from "./state.ts";

/** Processes that a document ends are counted up to this number. */
const MANY_ENDED = 6;

/** So often a document asks for a snooze in one life, and so many checkpoints its runs make, at most. */
const MOST_SNOOZES = 2;
const MOST_CHECKPOINTS = 2;

/** How a handler begins and ends. */
export class RunSteps {
  readonly #protocol: Protocol;
  readonly #natures: readonly Nature[];

  constructor(protocol: Protocol, natures: readonly Nature[]) {
    this.#protocol = protocol;
    this.#natures = natures;
  }

  /** The handler begins, or ends the process at once. */
  start(state: State, at: number, item: Item): Step<State>[] {
    const { doc: number } = item;
    const nature = this.#natures[number]!;
    const doc = state.docs[number]!;
    const isOurs = doc.token === item.token && doc.status === "working";
    const truth = item.isSuspect && isOurs && doc.isLive ? blamed(doc.truth) : doc.truth;
    const label = `${agentName(at)} starts the handler of d${number}`;
    const steps: Step<State>[] = [];
    // A restless document that has had all its snoozes can only end the process.
    if (!mayEnd(nature) || (mayDoze(nature) && truth.dozes < MOST_SNOOZES)) {
      const started = withDoc(state, number, { ...doc, truth });
      const gets = item.saved === NONE ? "" : ` with checkpoint ${item.saved}`;
      steps.push({
        label: `${label}${gets}`,
        state: withItem(started, at, item, { ...item, phase: "running" }),
        problem: isOurs ? problemOfCheckpoint(doc, item) : undefined,
      });
    }
    if (mayEnd(nature)) {
      const ended = Math.min(truth.ended + (truth.life === item.life ? 1 : 0), MANY_ENDED);
      const after = withDoc(state, number, { ...doc, truth: { ...truth, ended } });
      const killed = { ...after, agents: replaced(after.agents, at, IDLE) };
      steps.push({ label: `${label}, which ends the process`, state: killed });
    }
    return steps;
  }

  /** What a handler that runs can do next. */
  of(state: State, at: number, item: Item): Step<State>[] {
    const { doc: number } = item;
    const nature = this.#natures[number]!;
    const doc = state.docs[number]!;
    const { truth } = doc;
    const isSameLife = truth.life === item.life ? 1 : 0;
    const ends = (part: Partial<Truth>, phase: Item["phase"]) =>
      withItem(withDoc(state, number, { ...doc, truth: { ...truth, ...part } }), at, item, {
        ...item,
        phase,
      });
    const steps: Step<State>[] = [];
    if (maySucceed(nature)) {
      const successes = Math.min(truth.successes + isSameLife, 2);
      const isOld = doc.token === item.token && doc.status === "working" && doc.edition !== item.edition;
      steps.push({
        label: `${agentName(at)} has processed d${number}`,
        state: ends({ successes }, "succeeded"),
        problem: isOld ? `d${number} was processed as it was before it was edited` : undefined,
      });
    }
    if (mayFail(nature)) {
      const { failures, phase } = failed(item, truth, this.#protocol);
      const attempt = `attempt ${item.attempt} of ${this.#protocol.maxAttempts}`;
      steps.push({
        label: `${agentName(at)}'s handler of d${number} fails (${attempt})`,
        state: ends({ failures }, phase),
      });
    }
    // Two runs at once may have begun before the last snooze: one that can end in no other way still asks for it.
    if (mayDoze(nature) && (truth.dozes < MOST_SNOOZES || !maySucceed(nature))) {
      const dozes = truth.dozes + isSameLife;
      steps.push({
        label: `${agentName(at)}'s handler of d${number} asks for a snooze`,
        state: ends({ dozes }, "snoozing"),
      });
    }
    if (maySave(nature) && item.made < MOST_CHECKPOINTS) {
      const made = item.made + 1;
      const label = `${agentName(at)}'s handler of d${number} makes checkpoint ${made}`;
      steps.push({ label, state: withItem(state, at, item, { ...item, made }) });
    }
    return steps;
  }
}

/** What a run that has failed leaves: the failures of its document, and what is to become of it. */
export function failed({ attempt, life }: Item, truth: Truth, { maxAttempts }: Protocol) {
  const failures = Math.min(truth.failures + (truth.life === life ? 1 : 0), maxAttempts);
  return { failures, phase: attempt >= maxAttempts ? "sentenced" : "failed" } as const;
}

/** Letters of agents, for traces. */
export function agentName(at: number): string {
  return "ABC"[at]!;
}

function problemOfCheckpoint({ truth }: Doc, { doc, saved, savedIn, life }: Item): string | undefined {
  if (saved !== NONE && savedIn !== life) {
    return `d${doc} was started over, and its handler gets checkpoint ${saved} of before`;
  }
  if (saved >= truth.confirmed) return undefined;
  return `d${doc}'s handler gets ${saved === NONE ? "no checkpoint" : `checkpoint ${saved}`}, ` +
    `and checkpoint ${truth.confirmed} is known to be written`;
}
