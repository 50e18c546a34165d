import type { Step } from "../explorer.ts";
import { holderWrite, matches, problemOfWrite, written } from "./holder_writes.ts";
import { isLocked, leftOpen } from "./locks.ts";
import { asksForWrites, type Nature } from "./natures.ts";
import { has, type Protocol } from "./protocol.ts";
import { agentName, failed } from "./run_steps.ts";
import {
  type Agent,
  type Item,
  type Message,
  NONE,
  spent,
  type State,
  type Transaction,
  withAgent,
  withDoc,
  withItem,
} from "./state.ts";

type LateTransaction = Extract<Message, { kind: "transaction" }>;

/** Effects of one document are counted up to here. */
const TWICE = 2;

/**
 * How documents get their acks together with the writes that they ask for: acks, writes, commit, each a step. An agent
 * has one transaction at a time.
 */
export class TransactionSteps {
  readonly #protocol: Protocol;
  readonly #natures: readonly Nature[];

  constructor(protocol: Protocol, natures: readonly Nature[]) {
    this.#protocol = protocol;
    this.#natures = natures;
  }

  of(state: State, at: number): Step<State>[] {
    const agent = state.agents[at]!;
    const { transaction } = agent;
    if (!transaction) return this.#toOpen(agent).flatMap((members) => this.#open(state, at, members));
    const next = transaction.isWritten
      ? this.#commit(state, at, transaction)
      : this.#write(state, at, transaction);
    return [...next, ...this.#endedEarly(state, at, transaction)];
  }

  /** All that have succeeded, and each by itself that has to be. */
  #toOpen({ items }: Agent): Item[][] {
    const ready = items.filter(({ doc, phase }) =>
      asksForWrites(this.#natures[doc]!) && (phase === "succeeded" || phase === "unsure")
    );
    const together = ready.slice(0, this.#protocol.perTransaction);
    const apart = items.filter(({ phase }) => phase === "apart").map((item) => [item]);
    return together.length > 0 ? [together, ...apart] : apart;
  }

  #open(state: State, at: number, members: readonly Item[]): Step<State>[] {
    const name = agentName(at);
    if (!has(this.#protocol, "oneTransaction")) {
      return members.map((item) => {
        const effected = withItem(withEffects(state, [item]), at, item, { ...item, phase: "effected" });
        return { label: `${name} makes the writes of d${item.doc}`, state: effected };
      });
    }
    const known = members.find(({ doc, life }) => {
      const { truth } = state.docs[doc]!;
      return truth.life === life && truth.effects > 0;
    });
    if (known && !has(this.#protocol, "acksFirst")) {
      const label = `${name} makes the writes of ${
        named(members)
      } in a transaction: refused, as they are there`;
      const problem = `d${known.doc} is processed, and what it wrote itself is taken for its failure`;
      return [{ label, state, problem }];
    }
    // It conflicts with what has changed a document: it is tried again until that has ended.
    if (members.some(({ doc }) => isLocked(state, doc))) return [];
    const missed = members.filter((item) => !this.#isAcked(state, item));
    const label = `${name} acks ${named(members)} in a transaction`;
    const matched = members.filter((item) => !missed.includes(item)).map(({ doc }) => doc);
    const isKept = missed.length === 0 || !has(this.#protocol, "missAborts");
    if (isKept) {
      const transaction: Transaction = { members, matched, isWritten: false };
      const miss = missed.length > 0 ? `: no match for ${named(missed)}` : "";
      return [{ label: `${label}${miss}`, state: withTransaction(state, at, transaction) }];
    }
    const lost = missed.filter(({ phase }) => phase !== "unsure");
    const isLost = lost.length > 0 ? `, ${named(lost)} ${lost.length > 1 ? "are" : "is"} lost` : "";
    const aborted = `${label}: no match for ${named(missed)}, aborted${isLost}`;
    return [{ label: aborted, state: missed.reduce((after, item) => withItem(after, at, item), state) }];
  }

  /** Whether the ack of a member matches; without the rule one whose commit was sent is not asked again. */
  #isAcked({ docs }: State, item: Item): boolean {
    if (item.phase === "unsure" && !has(this.#protocol, "retryFenced")) return true;
    return matches(docs[item.doc]!, holderWrite("ack", item), this.#protocol);
  }

  #write(state: State, at: number, transaction: Transaction): Step<State>[] {
    const { members } = transaction;
    const label = `${agentName(at)} makes the writes of ${named(members)} in it`;
    const clashing = members.filter(({ doc }) => this.#natures[doc] === "clashing");
    if (clashing.length === 0) {
      return [{ label, state: withTransaction(state, at, { ...transaction, isWritten: true }) }];
    }
    const aborted = withTransaction(state, at, undefined);
    const refused = `${label}: those of ${named(clashing)} are refused, it is aborted`;
    const areOthersSpared = members.length > 1 && has(this.#protocol, "othersGoAgain");
    const after = areOthersSpared ? setApart(aborted, at, clashing) : this.#fail(aborted, at, members);
    return [{ label: refused, state: after }];
  }

  /**
   * A conflict, the server's own limit, or a command in it that has no answer: nothing of it is written, and all of it is
   * done again.
   */
  #endedEarly(state: State, at: number, transaction: Transaction): Step<State>[] {
    const steps: Step<State>[] = [];
    const name = agentName(at);
    const again = (after: State) =>
      has(this.#protocol, "conflictIsNoFailure") ? after : this.#fail(after, at, transaction.members);
    const conflicting = spent(state, "conflict");
    if (conflicting) {
      const label = `${name}'s transaction conflicts with a user's writes: aborted`;
      const aborted = withTransaction(conflicting, at, undefined);
      steps.push({ label, state: again(aborted) });
      const { members } = transaction;
      if (members.length > 1) {
        steps.push({ label: `${label}, in parts from now on`, state: setApart(aborted, at, members) });
      }
    }
    const lost = transaction.isWritten ? undefined : spent(state, "lose");
    if (lost) {
      const label = `${name} gets no answer within its transaction`;
      steps.push({ label, state: withTransaction(leftOpen(lost, transaction, false), at, undefined) });
    }
    return steps;
  }

  #commit(state: State, at: number, transaction: Transaction): Step<State>[] {
    const { members } = transaction;
    const label = `${agentName(at)} commits ${named(members)}`;
    const { state: after, problem } = committed(state, transaction, this.#protocol);
    const done = members.reduce(
      (each, item) => withItem(each, at, item),
      withTransaction(after, at, undefined),
    );
    const steps: Step<State>[] = [{ label, state: done, problem }];
    const lost = spent(state, "lose");
    if (lost) {
      const open = withTransaction(leftOpen(lost, transaction, true), at, undefined);
      const unsure = members.reduce(
        (each, item) => withItem(each, at, item, { ...item, phase: "unsure" }),
        open,
      );
      steps.push({ label: `${label}: no answer`, state: unsure });
    }
    return steps;
  }

  /** A run whose writes are refused has failed. */
  #fail(state: State, at: number, members: readonly Item[]): State {
    return members.reduce((after, item) => {
      const doc = after.docs[item.doc]!;
      const { truth } = doc;
      const { failures, phase } = failed(item, truth, this.#protocol);
      const isClashing = this.#natures[item.doc] === "clashing";
      // What is not the fault of the document is not its failure, even if the agent takes it for one.
      const known = isClashing ? { failures, successes: NONE } : {};
      const judged = withDoc(after, item.doc, { ...doc, truth: { ...truth, ...known } });
      return withItem(judged, at, item, { ...item, phase });
    }, state);
  }
}

/** What can happen to a transaction that was left open. */
export function lateTransaction(
  rest: State,
  { transaction, isCommitSent }: LateTransaction,
  protocol: Protocol,
): Step<State>[] {
  const what = `the transaction of ${named(transaction.members)}, left open,`;
  const steps: Step<State>[] = [{ label: `${what} is aborted by the server`, state: rest }];
  if (isCommitSent) {
    steps.push({ label: `${what} is committed late`, ...committed(rest, transaction, protocol) });
  }
  return steps;
}

function committed(state: State, { members, matched }: Transaction, protocol: Protocol) {
  let after = withEffects(state, members);
  let problem: string | undefined;
  for (const item of members) {
    if (!matched.includes(item.doc)) continue;
    const doc = after.docs[item.doc]!;
    const write = holderWrite("ack", item);
    problem ??= problemOfWrite(doc, write);
    after = withDoc(after, item.doc, written(doc, write, NONE, protocol));
  }
  return { state: after, problem };
}

function withEffects(state: State, members: readonly Item[]): State {
  return members.reduce((after, { doc: number }) => {
    const doc = after.docs[number]!;
    const effects = Math.min(doc.truth.effects + 1, TWICE);
    return withDoc(after, number, { ...doc, truth: { ...doc.truth, effects } });
  }, state);
}

function withTransaction(state: State, at: number, transaction: Transaction | undefined): State {
  return withAgent(state, at, { ...state.agents[at]!, transaction });
}

function setApart(state: State, at: number, members: readonly Item[]): State {
  return members.reduce((after, item) => withItem(after, at, item, { ...item, phase: "apart" }), state);
}

function named(items: readonly { doc: number }[]): string {
  return items.map(({ doc }) => `d${doc}`).join(", ");
}
