import { assert, assertEquals } from "@std/assert";
import { explore, type Model, type Step, STUCK } from "../../models/explorer.ts";

/** A graph as a model: the name of a node is its state. */
class Graph implements Model<string> {
  readonly #edges: Record<string, string[]>;
  readonly #settled: string;
  readonly #bad: string;

  constructor(edges: Record<string, string[]>, { settled = "end", bad = "" } = {}) {
    this.#edges = edges;
    this.#settled = settled;
    this.#bad = bad;
  }

  initial(): string {
    return "start";
  }

  next(state: string): Step<string>[] {
    return (this.#edges[state] ?? []).map((to) => ({ label: `${state} to ${to}`, state: to }));
  }

  problemOf(state: string): string | undefined {
    return state === this.#bad ? `${state} is bad` : undefined;
  }

  isSettled(state: string): boolean {
    return state === this.#settled;
  }

  keyOf(state: string): string {
    return state;
  }
}

Deno.test("explore visits each state once, however many ways lead to it", () => {
  const graph = new Graph({ start: ["a", "b"], a: ["end"], b: ["end", "a"] });
  const { states, transitions, problem, isComplete } = explore(graph);
  assertEquals({ states, transitions, problem, isComplete }, {
    states: 4,
    transitions: 5,
    problem: undefined,
    isComplete: true,
  });
});

Deno.test("explore gives the shortest way to a problem", () => {
  const graph = new Graph({ start: ["a", "c"], a: ["b"], b: ["bad"], c: ["bad"] }, { bad: "bad" });
  const { problem, trace, isComplete } = explore(graph);
  assertEquals(problem, "bad is bad");
  assertEquals(trace, ["start to c", "c to bad"]);
  assert(!isComplete);
});

Deno.test("explore finds a cycle that never leads to a settled state", () => {
  const graph = new Graph({ start: ["end", "a"], a: ["b"], b: ["a"] });
  const { problem, trace } = explore(graph);
  assertEquals(problem, STUCK);
  assertEquals(trace, ["start to a"]);
});

Deno.test("explore says so when it stops at its limit", () => {
  const graph = new Graph({ start: ["a"], a: ["b"], b: ["end"] });
  const { problem, isComplete } = explore(graph, 2);
  assertEquals(problem, undefined);
  assert(!isComplete);
});
