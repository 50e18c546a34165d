import { assertEquals } from "@std/assert";
import type { Run } from "../../witness/run_log.ts";
import { judgePeer } from "../../witness/runs_of_peer.ts";
import { Disturbances, type Told } from "../../witness/told.ts";

/** A run of the document `d`; without `endedMs` its process was killed. */
function run(agent: string, beganMs: number, endedMs?: number): Run {
  const end = endedMs !== undefined && {
    end: { how: "done" as const, atMs: endedMs, saved: undefined, isPermanent: false },
  };
  return { key: "d", agent, attempt: 1, beganMs, given: undefined, ...end };
}

for (
  const [what, { runs, told = [], isDone = true }, { lost = 0, doubled = 0, withoutExcuse = 0 }] of [
    ["a document that is done once", { runs: [run("a", 1000, 1100)] }, {}],
    ["a document that never ran", { runs: [], isDone: false }, { lost: 1 }],
    ["a document that is marked as done and never ran to its end", { runs: [run("a", 1000)] }, { lost: 1 }],
    ["a document that ran and is not marked as done", { runs: [run("a", 1000, 1100)], isDone: false }, {
      lost: 1,
    }],
    ["a double after a kill", {
      runs: [run("a", 1000), run("b", 7000, 7100)],
      told: [{ what: "killed", agent: "a", at: 1050 }],
    }, { doubled: 1 }],
    ["a double after a kill of another process", {
      runs: [run("a", 1000, 1100), run("b", 7000, 7100)],
      told: [{ what: "killed", agent: "c", at: 1050 }],
    }, { doubled: 1, withoutExcuse: 1 }],
    ["a double after a kill that came later", {
      runs: [run("a", 1000, 1100), run("b", 1050, 1150)],
      told: [{ what: "killed", agent: "a", at: 5000 }],
    }, { doubled: 1, withoutExcuse: 1 }],
    ["a double after a freeze", {
      runs: [run("a", 1000, 9000), run("b", 7000, 7100)],
      told: [{ what: "cut", agent: "a", at: 1050, until: 8500 }],
    }, { doubled: 1 }],
  ] as const satisfies readonly [
    string,
    { runs: readonly Run[]; told?: readonly Told[]; isDone?: boolean },
    { lost?: number; doubled?: number; withoutExcuse?: number },
  ][]
) {
  Deno.test(`judgePeer() judges ${what}`, () => {
    const done = new Set(isDone ? ["d"] : []);
    assertEquals(judgePeer(["d"], done, runs, new Disturbances(told)), {
      documents: 1,
      lost,
      doubled,
      withoutExcuse,
    });
  });
}
