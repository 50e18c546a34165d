import type { Step } from "../explorer.ts";
import { cut, settled } from "./control_writes.ts";
import { lostAnswer } from "./lost_answer.ts";
import type { RangeProtocol } from "./protocol.ts";
import type { Range } from "./range.ts";
import {
  changed,
  ended,
  faulty,
  heldBy,
  interval,
  isNew,
  newWithin,
  processed,
  type RangeState,
  withLate,
  withoutRange,
  withRange,
  withTask,
} from "./state.ts";
import type { SentWrite, TaskOf } from "./task.ts";
import { TransactionSteps } from "./transaction_steps.ts";

/** What the holder of a range can do. */
export class HeldRangeSteps {
  readonly #protocol: RangeProtocol;
  readonly #transactions: TransactionSteps;

  constructor(protocol: RangeProtocol) {
    this.#protocol = protocol;
    this.#transactions = new TransactionSteps(protocol);
  }

  of(state: RangeState, at: number, name: string, task: TaskOf<"range">): Step<RangeState>[] {
    const { token, todo, done, sent } = task;
    const range = state.ranges.find((each) => each.token === token);
    const steps: Step<RangeState>[] = [];
    if (range && !range.isLive) steps.push(...this.#renew(state, name, range));
    for (const doc of todo) steps.push(this.#process(state, at, name, task, doc));
    if (this.#protocol.has("acksListed")) {
      for (const doc of done) {
        if (this.#protocol.natures[doc] === "writing") {
          steps.push(...this.#transactions.of(state, at, name, task, doc));
          continue;
        }
        const next = {
          done: done.filter((each) => each !== doc),
          sent: [...sent, { doc, name: "ack" } as const],
        };
        steps.push({
          label: `${name} sends its ack of d${doc}`,
          state: withTask(state, at, { ...task, ...next }),
        });
      }
    } else if (todo.length === 0 && done.length > 0 && range) {
      steps.push(this.#ackAll(state, at, name, task, range));
    }
    for (const write of sent) steps.push(...this.#settle(state, at, name, task, write));
    if (todo.length > 0) steps.push(...this.#drain(state, at, name, task));
    const isAnswered = sent.length === 0 || !this.#protocol.has("awaitsAcks");
    if (todo.length === 0 && done.length === 0 && isAnswered) {
      steps.push(...this.#drop(state, at, name, task, range));
    }
    return steps;
  }

  #renew(state: RangeState, name: string, range: Range): Step<RangeState>[] {
    const label = `${name} gets no answer as it renews its range`;
    return [
      { label: `${name} renews its range`, state: withRange(state, range, { ...range, isLive: true }) },
      ...lostAnswer(label, state, { name: "renewal", token: range.token }),
    ];
  }

  #process(
    state: RangeState,
    at: number,
    name: string,
    task: TaskOf<"range">,
    doc: number,
  ): Step<RangeState> {
    const todo = task.todo.filter((each) => each !== doc);
    const { hasFailed, ended: processes } = state.docs[doc]!;
    switch (this.#protocol.natures[doc]) {
      case "poison": {
        const label = `${name} starts d${doc}, which ends the process`;
        const killed = changed(ended(state, at, heldBy(task)), doc, { ended: processes + 1 });
        return { label, state: killed };
      }
      case "flaky":
        if (!hasFailed) {
          const sent: SentWrite[] = [...task.sent, { doc, name: "nack" }];
          const label = `${name}'s d${doc} fails: it sends its nack`;
          return { label, state: withTask(state, at, { ...task, todo, sent }) };
        }
        break;
      case "doomed": {
        const write = this.#protocol.has("judgesInOneWrite") ? "verdict" : "copy";
        const sent: SentWrite[] = [...task.sent, { doc, name: write }];
        const label = `${name}'s d${doc} fails for good: it sends its ${write}`;
        return { label, state: withTask(state, at, { ...task, todo, sent }) };
      }
    }
    const done = [...task.done, doc];
    return {
      label: `${name} processes d${doc}`,
      state: withTask(processed(state, doc), at, { ...task, todo, done }),
    };
  }

  #settle(
    state: RangeState,
    at: number,
    name: string,
    task: TaskOf<"range">,
    write: SentWrite,
  ): Step<RangeState>[] {
    const label = `${name}'s ${write.name} of d${write.doc}`;
    const after = settled(state, write, this.#protocol);
    const next = this.#nextWrite(state, write);
    const sent = [...task.sent.filter((each) => each !== write), ...next ? [next] : []];
    const miss = this.#isRefused(state, write) ? "is refused" : "does not match";
    return [
      {
        label: `${label} ${after ? "is applied" : miss}`,
        state: withTask(after ?? state, at, { ...task, sent }),
      },
      // It stays among the sent ones: it is sent again until it has an answer.
      ...lostAnswer(`${label}: no answer`, state, write),
    ];
  }

  #isRefused(state: RangeState, { doc, name }: SentWrite): boolean {
    return name !== "failure" && this.#protocol.natures[doc] === "stubborn" && isNew(state, doc);
  }

  /** What is written after the answer to a write. */
  #nextWrite(state: RangeState, write: SentWrite): SentWrite | undefined {
    const isNext = write.name === "copy" ||
      (this.#isRefused(state, write) && this.#protocol.has("failsRefused"));
    return isNext ? { doc: write.doc, name: "failure" } : undefined;
  }

  /** The ack of all that is new in a range, processed or not. */
  #ackAll(
    state: RangeState,
    at: number,
    name: string,
    task: TaskOf<"range">,
    range: Range,
  ): Step<RangeState> {
    const acked = newWithin(state, range.from, range.to).reduce(
      (after, doc) => changed(after, doc, { status: "done", isNew: false }),
      state,
    );
    return {
      label: `${name} acks all that is new in ${interval(range)}`,
      state: withTask(acked, at, { ...task, done: [] }),
    };
  }

  #drain(state: RangeState, at: number, name: string, task: TaskOf<"range">): Step<RangeState>[] {
    const drained = faulty(state, "drain");
    if (!drained) return [];
    const { token, done, sent } = task;
    const after = withTask(drained, at, { ...task, todo: [] });
    if (!this.#protocol.has("cutsAboveStarted")) {
      return [{ label: `${name} is told to drain, and drops its range`, state: withoutRange(after, token) }];
    }
    const to = Math.max(-1, ...done, ...sent.map(({ doc }) => doc));
    const label = `${name} is told to drain, and cuts its range ${to < 0 ? "to nothing" : `after d${to}`}`;
    return [
      { label, state: cut(after, token, to) ?? after },
      ...lostAnswer(`${label}: no answer`, after, { name: "cut", token, to }),
    ];
  }

  #drop(
    state: RangeState,
    at: number,
    name: string,
    { token, sent }: TaskOf<"range">,
    range: Range | undefined,
  ): Step<RangeState>[] {
    const idle = withLate(withTask(state, at), ...sent);
    if (!range) return [{ label: `${name} finds its range gone`, state: idle }];
    return [
      { label: `${name} drops its range`, state: withoutRange(idle, token) },
      ...lostAnswer(`${name} gets no answer as it drops its range`, idle, { name: "drop", token }),
    ];
  }
}
