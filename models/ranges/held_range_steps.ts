import type { Step } from "../explorer.ts";
import { settled } from "./control_writes.ts";
import { lostAnswer } from "./lost_answer.ts";
import type { RangeProtocol } from "./protocol.ts";
import type { Range } from "./range.ts";
import {
  changed,
  ended,
  faulty,
  heldBy,
  inRange,
  interval,
  isNew,
  newWithin,
  processed,
  type RangeState,
  withLate,
  withoutRange,
  withTask,
} from "./state.ts";
import type { SentWrite, TaskOf } from "./task.ts";
import { TransactionSteps } from "./transaction_steps.ts";

type Held = TaskOf<"range">;

/** What the holder of a range can do. */
export class HeldRangeSteps {
  readonly #protocol: RangeProtocol;
  readonly #transactions: TransactionSteps;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
    this.#transactions = new TransactionSteps(protocol);
  }

  of(state: RangeState, at: number, name: string, task: Held): Step<RangeState>[] {
    const { token, todo, done, sent } = task;
    const range = state.ranges.find((each) => each.token === token);
    const steps: Step<RangeState>[] = [];
    for (const doc of todo.filter((doc) => this.#protocol.natures[doc] !== "endless")) {
      steps.push(this.#process(state, at, name, task, doc));
    }
    for (const doc of new Set([...todo, ...done, ...sent.map(({ doc }) => doc)])) {
      steps.push(...this.#leave(state, at, name, task, doc));
    }
    if (this.#protocol.has("acksListed")) {
      for (const doc of done) steps.push(...this.#ack(state, at, name, task, doc));
    } else if (todo.length === 0 && done.length > 0 && range) {
      steps.push(this.#ackAll(state, at, name, task, range));
    }
    for (const write of sent) steps.push(...this.#settle(state, at, name, task, write));
    if (todo.length > 0) steps.push(...this.#drain(state, at, name, task));
    return [...steps, ...this.#drop(state, at, name, task, range)];
  }

  #process(state: RangeState, at: number, name: string, task: Held, doc: number): Step<RangeState> {
    const todo = without(task.todo, doc);
    const { hasFailed, ended: processes } = state.docs[doc]!;
    switch (this.#protocol.natures[doc]) {
      case "poison": {
        const label = `${name} starts d${doc}, which ends the process`;
        const killed = changed(ended(state, at, heldBy(task)), doc, { ended: processes + 1 });
        return { label, state: killed };
      }
      case "flaky":
        if (!hasFailed) {
          const label = `${name}'s d${doc} fails: it sends its nack`;
          return { label, state: sending(state, at, { ...task, todo }, { doc, name: "nack" }) };
        }
        break;
      case "doomed": {
        const write = { doc, name: this.#firstOfLetter(task, doc) };
        const label = `${name}'s d${doc} fails for good: it sends its ${write.name}`;
        return { label, state: sending(state, at, { ...task, todo }, write) };
      }
    }
    const done = [...task.done, doc];
    return {
      label: `${name} processes d${doc}`,
      state: withTask(processed(state, doc), at, { ...task, todo, done }),
    };
  }

  #firstOfLetter({ own }: Held, doc: number): SentWrite["name"] {
    if (!this.#protocol.has("leasesBeforeVerdict")) return "copy";
    return own.includes(doc) ? "verdict" : "lease";
  }

  /** What has no outcome at the first renewal gets a lease of its own. Its outcome may be under way. */
  #leave(state: RangeState, at: number, name: string, task: Held, doc: number): Step<RangeState>[] {
    const isToLeave = this.#protocol.isSlow(doc) && this.#protocol.has("leavesRange");
    if (!isToLeave || task.own.includes(doc) || task.open === doc) return [];
    const write = { doc, name: "lease" } as const;
    if (task.sent.some((each) => isSame(each, write))) return [];
    return [{ label: `${name} sends its lease of d${doc}`, state: sending(state, at, task, write) }];
  }

  #ack(state: RangeState, at: number, name: string, task: Held, doc: number): Step<RangeState>[] {
    if (this.#protocol.natures[doc] === "writing") {
      return this.#transactions.of(state, at, name, task, doc);
    }
    const next = { ...task, done: without(task.done, doc) };
    const label = `${name} sends its ack of d${doc}`;
    return [{ label, state: sending(state, at, next, { doc, name: "ack" }) }];
  }

  #settle(state: RangeState, at: number, name: string, task: Held, write: SentWrite): Step<RangeState>[] {
    const label = `${name}'s ${write.name} of d${write.doc}`;
    const sentWrite = { ...write, token: task.token };
    // It stays among the sent ones: it is sent again until it has an answer.
    const lost = lostAnswer(`${label}: no answer`, state, sentWrite);
    if (state.docs[write.doc]!.isLocked) return lost;
    const after = settled(state, sentWrite, this.#protocol);
    const miss = this.#isRefused(state, write) ? "is refused" : "does not match";
    return [
      {
        label: `${label} ${after ? "is applied" : miss}`,
        state: this.#answered(after ?? state, at, task, { write, isApplied: after !== undefined }),
      },
      ...lost,
    ];
  }

  /** The state after an answer. What is still under way of a document that has its outcome is not waited for. */
  #answered(
    state: RangeState,
    at: number,
    task: Held,
    { write, isApplied }: { write: SentWrite; isApplied: boolean },
  ): RangeState {
    const { doc, name } = write;
    const sent = task.sent.filter((each) => each !== write);
    const next = this.#nextWrite(state, { ...task, sent }, write, isApplied);
    if (next) sent.push(next);
    const own = name === "lease" && isApplied ? [...task.own, doc].sort() : task.own;
    const isOpen = [...task.todo, ...task.done].includes(doc) ||
      sent.some((each) => each.doc === doc && each.name !== "lease") || name === "lease";
    if (isOpen) return withTask(state, at, { ...task, sent, own });
    const late = sent.filter((each) => each.doc === doc).map((each) => ({ ...each, token: task.token }));
    const rest = { ...task, sent: sent.filter((each) => each.doc !== doc), own: without(own, doc) };
    return withTask(withLate(state, ...late), at, rest);
  }

  #isRefused(state: RangeState, { doc, name }: SentWrite): boolean {
    return name !== "failure" && this.#protocol.natures[doc] === "stubborn" && isNew(state, doc);
  }

  /** What is written after the answer to a write. */
  #nextWrite(
    state: RangeState,
    { todo, done, sent }: Held,
    write: SentWrite,
    isApplied: boolean,
  ): SentWrite | undefined {
    const { doc, name } = write;
    if (name === "copy") return { doc, name: "failure" };
    if (name === "verdict") return isApplied ? { doc, name: "letter" } : undefined;
    const isRunning = todo.includes(doc) || done.includes(doc) || sent.some((each) => each.doc === doc);
    if (name === "lease" && isRunning) return undefined;
    if (this.#isRefused(state, write)) {
      return this.#protocol.has("failsRefused") ? { doc, name: "failure" } : undefined;
    }
    const isDoomed = this.#protocol.natures[doc] === "doomed";
    return name === "lease" && isApplied && isDoomed ? { doc, name: "verdict" } : undefined;
  }

  /** The ack of all that is new in a range, processed or not. */
  #ackAll(state: RangeState, at: number, name: string, task: Held, range: Range): Step<RangeState> {
    const acked = newWithin(state, range.from, range.to).reduce(
      (after, doc) => changed(after, doc, { status: "done", isNew: false }),
      state,
    );
    return {
      label: `${name} acks all that is new in ${interval(range)}`,
      state: withTask(acked, at, { ...task, done: [] }),
    };
  }

  #drain(state: RangeState, at: number, name: string, task: Held): Step<RangeState>[] {
    const drained = faulty(state, "drain");
    if (!drained) return [];
    const { sent, todo, token } = task;
    if (!this.#protocol.has("releasesInDrain")) {
      const after = withTask(drained, at, { ...task, todo: [] });
      return [{ label: `${name} is told to drain, and drops its range`, state: withoutRange(after, token) }];
    }
    const releases = todo.map((doc) => ({ doc, name: "release" } as const));
    const label = `${name} is told to drain, and sends its release of ${
      todo.map((doc) => `d${doc}`).join(", ")
    }`;
    return [{ label, state: withTask(drained, at, { ...task, todo: [], sent: [...sent, ...releases] }) }];
  }

  #drop(
    state: RangeState,
    at: number,
    name: string,
    task: Held,
    range: Range | undefined,
  ): Step<RangeState>[] {
    const { done, sent, todo, token } = task;
    const isAnswered = this.#protocol.has("awaitsAcks")
      ? inRange(task).length === 0
      : inRange({ ...task, sent: [] }).length === 0;
    if (!isAnswered) return [];
    const isIdle = todo.length + done.length === 0 &&
      (sent.length === 0 || !this.#protocol.has("awaitsAcks"));
    const after = isIdle
      ? withLate(withTask(state, at), ...sent.map((write) => ({ ...write, token })))
      : state;
    if (!range) return isIdle ? [{ label: `${name} finds its range gone`, state: after }] : [];
    return [
      { label: `${name} drops its range`, state: withoutRange(after, token) },
      ...lostAnswer(`${name} gets no answer as it drops its range`, after, { name: "drop", token }),
    ];
  }
}

function sending(state: RangeState, at: number, task: Held, write: SentWrite): RangeState {
  const isSent = task.sent.some((each) => isSame(each, write));
  return withTask(state, at, isSent ? task : { ...task, sent: [...task.sent, write] });
}

function isSame(one: SentWrite, other: SentWrite): boolean {
  return one.doc === other.doc && one.name === other.name;
}

function without(docs: readonly number[], doc: number): number[] {
  return docs.filter((each) => each !== doc);
}
