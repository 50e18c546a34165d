/** What can happen next in a model. */
export interface Step<State> {
  /** What happens, as one line of a trace. */
  readonly label: string;
  readonly state: State;
  /** What this step itself breaks; undefined if nothing. */
  readonly problem?: string | undefined;
}

/** A system with finitely many states. Its states are values: no step changes the state that it starts from. */
export interface Model<State> {
  initial(): State;
  next(state: State): readonly Step<State>[];
  /** What is wrong with a state; undefined if nothing is. */
  problemOf(state: State): string | undefined;
  /** Whether all work is done and all records agree. */
  isSettled(state: State): boolean;
  /** Names the state: two states of one name behave alike. */
  keyOf(state: State): string;
}

/** What an exploration found. */
export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** The first problem met; no other needs fewer steps. Undefined if no state has one. */
  readonly problem?: string | undefined;
  /** The steps that lead to the problem. */
  readonly trace: readonly string[];
  /** Whether every state was visited; false if a problem or the limit ended the search. */
  readonly isComplete: boolean;
}

/** Problem of a state from which no settled state can be reached. */
export const STUCK = "nothing that can still happen settles it";

/**
 * Visits every state of a model, those that need fewer steps first, and stops at the first problem. If there is none,
 * it looks for states from which no settled state can be reached. The adversary of a model has a budget, so that, under
 * fairness, a settled state that can be reached is reached in the end.
 */
export function explore<State>(model: Model<State>, limit = 5_000_000): Exploration {
  const search = new Search(model, limit);
  return search.run();
}

class Search<State> {
  readonly #model: Model<State>;
  readonly #limit: number;
  readonly #numbers = new Map<string, number>();
  /** States that were found and not visited yet, in the order of their numbers. */
  #frontier: State[] = [];
  /** By number: the state from which this one was found, and the step that led here. */
  readonly #parents: number[] = [];
  readonly #labels: string[] = [];
  /** One pair per transition: from, to. */
  readonly #edges = new Edges();
  readonly #settled: number[] = [];

  constructor(model: Model<State>, limit: number) {
    this.#model = model;
    this.#limit = limit;
  }

  run(): Exploration {
    const initial = this.#model.initial();
    this.#add(initial, -1, "");
    const problem = this.#model.problemOf(initial);
    if (problem) return this.#found(problem, []);
    for (let number = 0; this.#frontier.length > 0;) {
      const layer = this.#frontier;
      this.#frontier = [];
      for (const state of layer) {
        const broken = this.#visit(state, number++);
        if (broken) return broken;
        if (this.#numbers.size > this.#limit) return this.#result({ trace: [], isComplete: false });
      }
    }
    const stuck = this.#firstStuck();
    return stuck === undefined
      ? this.#result({ trace: [], isComplete: true })
      : this.#found(STUCK, this.#traceTo(stuck));
  }

  #visit(state: State, from: number): Exploration | undefined {
    if (this.#model.isSettled(state)) this.#settled.push(from);
    for (const { label, state: after, problem } of this.#model.next(state)) {
      if (problem) return this.#found(problem, [...this.#traceTo(from), label]);
      const known = this.#numbers.get(this.#model.keyOf(after));
      if (known !== undefined) {
        this.#edges.add(from, known);
        continue;
      }
      const to = this.#add(after, from, label);
      this.#edges.add(from, to);
      const wrong = this.#model.problemOf(after);
      if (wrong) return this.#found(wrong, this.#traceTo(to));
    }
    return undefined;
  }

  #add(state: State, parent: number, label: string): number {
    const number = this.#parents.length;
    this.#numbers.set(this.#model.keyOf(state), number);
    this.#parents.push(parent);
    this.#labels.push(label);
    this.#frontier.push(state);
    return number;
  }

  #traceTo(number: number): string[] {
    const trace: string[] = [];
    for (let at = number; this.#parents[at]! >= 0; at = this.#parents[at]!) trace.push(this.#labels[at]!);
    return trace.reverse();
  }

  /** The state with the lowest number that cannot settle: none is found in fewer steps. */
  #firstStuck(): number | undefined {
    const settles = new Uint8Array(this.#parents.length);
    const waiting = [...this.#settled];
    for (const number of waiting) settles[number] = 1;
    const before = this.#edges.reversed(this.#parents.length);
    while (waiting.length > 0) {
      for (const from of before(waiting.pop()!)) {
        if (settles[from]) continue;
        settles[from] = 1;
        waiting.push(from);
      }
    }
    const stuck = settles.indexOf(0);
    return stuck < 0 ? undefined : stuck;
  }

  #found(problem: string, trace: readonly string[]): Exploration {
    return this.#result({ problem, trace, isComplete: false });
  }

  #result(part: Pick<Exploration, "problem" | "trace" | "isComplete">): Exploration {
    return { states: this.#parents.length, transitions: this.#edges.count, ...part };
  }
}

/** Pairs of numbers, of which there may be millions. */
class Edges {
  #pairs = new Int32Array(1024);
  count = 0;

  add(from: number, to: number): void {
    if (2 * this.count === this.#pairs.length) {
      const larger = new Int32Array(2 * this.#pairs.length);
      larger.set(this.#pairs);
      this.#pairs = larger;
    }
    this.#pairs[2 * this.count] = from;
    this.#pairs[2 * this.count + 1] = to;
    this.count += 1;
  }

  /** Tells for each of `size` numbers from which others an edge leads to it. */
  reversed(size: number): (to: number) => Int32Array {
    const starts = new Int32Array(size + 1);
    for (let edge = 0; edge < this.count; edge++) starts[this.#pairs[2 * edge + 1]! + 1]! += 1;
    for (let number = 0; number < size; number++) starts[number + 1]! += starts[number]!;
    const sources = new Int32Array(this.count);
    const filled = starts.slice();
    for (let edge = 0; edge < this.count; edge++) {
      const to = this.#pairs[2 * edge + 1]!;
      sources[filled[to]!] = this.#pairs[2 * edge]!;
      filled[to]! += 1;
    }
    return (to) => sources.subarray(starts[to], starts[to + 1]);
  }
}
