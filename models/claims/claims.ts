import type { Model, Step } from "../explorer.ts";
import { ClaimSteps } from "./claim_steps.ts";
import { ItemSteps, lateWrite, withCopy } from "./item_steps.ts";
import { keyOf } from "./key.ts";
import { isLocked } from "./locks.ts";
import type { Nature } from "./natures.ts";
import { Properties } from "./properties.ts";
import type { Protocol } from "./protocol.ts";
import { RequeueSteps } from "./requeue_steps.ts";
import type { RuleName } from "./rules.ts";
import { lateTransaction, TransactionSteps } from "./transaction_steps.ts";
import type { Budget, Fault } from "./faults.ts";
import { IDLE, type Message, NEW_DOC, NONE, type State, without } from "./state.ts";
import { WorldSteps } from "./world_steps.ts";

/** The claim protocol: agents and an operator work on a collection, and an adversary with a budget disturbs them. */
export class Claims implements Model<State> {
  readonly #options: ClaimsOptions;
  readonly #protocol: Protocol;
  readonly #claims: ClaimSteps;
  readonly #items: ItemSteps;
  readonly #transactions: TransactionSteps;
  readonly #world: WorldSteps;
  readonly #requeues: RequeueSteps;
  readonly #properties: Properties;

  constructor(options: ClaimsOptions) {
    const { natures, maxAttempts, budget = {}, room = natures.length } = options;
    const { marksByLiteral = false, readsAllBack = false } = options;
    const faults = new Set(Object.keys(budget) as Fault[]);
    const { perTransaction = natures.length } = options;
    this.#options = options;
    this.#protocol = {
      maxAttempts,
      room,
      perTransaction,
      readsAllBack,
      marksByLiteral,
      faults,
      without: options.without,
    };
    this.#claims = new ClaimSteps(this.#protocol);
    this.#items = new ItemSteps(this.#protocol, natures);
    this.#transactions = new TransactionSteps(this.#protocol, natures);
    this.#world = new WorldSteps(this.#protocol);
    this.#requeues = new RequeueSteps(this.#protocol);
    this.#properties = new Properties(this.#protocol, natures);
  }

  initial(): State {
    const { natures, agents, budget = {} } = this.#options;
    return {
      docs: natures.map(() => NEW_DOC),
      letters: natures.map(() => undefined),
      agents: Array.from({ length: agents }, () => IDLE),
      messages: [],
      redrives: [],
      requeues: [],
      budget,
    };
  }

  next(state: State): readonly Step<State>[] {
    const steps: Step<State>[] = [];
    for (const [at, { items }] of state.agents.entries()) {
      steps.push(...this.#claims.of(state, at));
      steps.push(...this.#transactions.of(state, at));
      for (const item of items) steps.push(...this.#items.of(state, at, item));
    }
    for (const message of state.messages) steps.push(...this.#underWay(state, message));
    steps.push(...this.#world.of(state));
    steps.push(...this.#requeues.of(state));
    return steps.map((step) => step.problem ? step : { ...step, problem: comesBack(state, step) });
  }

  #underWay(state: State, message: Message): Step<State>[] {
    if (message.kind === "claim") return this.#claims.underWay(state, message);
    const rest = { ...state, messages: without(state.messages, message) };
    if (message.kind === "transaction") return lateTransaction(rest, message, this.#protocol);
    const steps = [{ label: "a write that was given up never arrives", state: rest }] as Step<State>[];
    if (message.kind === "write") {
      if (!isLocked(state, message.write.doc)) steps.push(lateWrite(rest, message.write, this.#protocol));
    } else {
      const label = `the copy of d${message.doc}, given up, is made late`;
      steps.push({ label, state: withCopy(rest, message.doc, message.letter, this.#protocol) });
    }
    return steps;
  }

  problemOf(state: State): string | undefined {
    return this.#properties.problemOf(state);
  }

  isSettled({ agents, docs, letters, messages, redrives, requeues }: State): boolean {
    if (messages.length > 0 || redrives.length > 0 || requeues.length > 0) return false;
    if (agents.some(({ claim, items }) => claim || items.length > 0)) return false;
    return docs.every(({ status, truth, verdict }, number) => {
      const letter = letters[number];
      if (status === "failed") {
        return letter?.at === verdict || (letter?.isReference === true && verdict === NONE);
      }
      const isEnd = status === "done" || status === "canceled" || status === "gone";
      return letter === undefined && (isEnd || truth.isForeign);
    });
  }

  keyOf(state: State): string {
    return keyOf(state);
  }
}

/** What a scenario of the claim protocol is made of. */
export interface ClaimsOptions {
  /** What each document does when it is processed. */
  natures: readonly Nature[];
  agents: number;
  maxAttempts: number;
  /** How often the adversary may do each thing. */
  budget?: Budget;
  /** Documents that an agent holds at most; all if not given. */
  room?: number;
  /** Documents that a transaction acks at most; all if not given. */
  perTransaction?: number;
  readsAllBack?: boolean;
  marksByLiteral?: boolean;
  /** The rule that is switched off. */
  without?: RuleName;
}

/** A document that an agent has settled stays so: only people set a failed document back. */
function comesBack(before: State, { state }: Step<State>): string | undefined {
  for (const [number, { status, truth }] of before.docs.entries()) {
    const after = state.docs[number]!;
    if (after.status === status) continue;
    const isStartedOver = status !== "gone" && after.truth.life !== truth.life;
    if (status !== "pending" && status !== "working" && !isStartedOver) {
      return `d${number} is no longer ${status}`;
    }
  }
  return undefined;
}
