import { assertEquals } from "@std/assert";
import type { AgentRow, Overview } from "../../../../control/fleet/overview.ts";
import { verdictOf } from "../../../../control/dashboard/page/verdict.ts";
import { agentRow, overviewOf } from "../../../support/overviews.ts";

const AT = "2026-03-04T05:06:07.000Z";
const BY_ANNA = { source: "fleet", by: "anna", reason: "price service is down", since: null };
const BY_FILE = { source: "file", by: null, reason: null, since: null };
const PAUSED_BY_ANNA = {
  state: "paused",
  by: "anna",
  reason: "price service is down",
  at: "2026-03-04T01:46:07.000Z",
} as const;

function agents(...changes: Partial<AgentRow>[]): Pick<Overview, "agents" | "agents_total"> {
  const rows = changes.map((change, at) => agentRow({ name: `orders-${at + 1}`, started_at: AT, ...change }));
  return { agents: rows, agents_total: rows.length };
}

function overview(change: Partial<Omit<Overview, "work">>, work: Partial<Overview["work"]> = {}): Overview {
  return overviewOf({ at: AT, ...agents({}), ...change, work });
}

const DOWN = "the processor fails: 503";
const BUSY = { waiting: { n: 100_000, capped: true }, oldest_s: 90 };

/** A server that is too slow for the last documents. */
const SLOW = {
  waiting: null,
  oldest_s: 400,
  in_flight: null,
  at_least: { waiting: 1000, scheduled: null, in_flight: 100, dead_letters: null },
};

const CASES: {
  name: string;
  of: Overview;
  is: [tone: string, headline: string, detail: string, findings: string[]];
}[] = [
  {
    name: "an empty collection without agents: nothing is wrong yet",
    of: overview(agents()),
    is: ["idle", "No agent", "No agent works on shop.orders, nothing waits", []],
  },
  {
    name: "a collection whose index is not made yet: a newcomer's, or one whose agents are long gone",
    of: overview(agents(), { waiting: null }),
    is: ["warn", "No agent", "No agent works on shop.orders, how many wait is not known", []],
  },
  {
    name: "documents that are not counted to the end, and no agent",
    of: overview(agents(), SLOW),
    is: ["bad", "No agent", "No agent works on shop.orders, ≥ 1,000 wait", [
      "warn The oldest document has waited 6 min 40 s",
    ]],
  },
  {
    name: "documents that are not counted to the end, and do not move",
    of: overview(agents({}), SLOW),
    is: [
      "bad",
      "Not moving",
      "≥ 1,000 wait, ≥ 100 in flight, but nothing became processed in the last minute",
      ["warn The oldest document has waited 6 min 40 s"],
    ],
  },
  {
    name: "a handler that is down",
    of: overview(agents({ ready: false, trouble: DOWN }, { ready: false, trouble: DOWN }), {
      waiting: { n: 7, capped: false },
      oldest_s: 51,
    }),
    is: ["bad", "Not moving", "No agent of 2 is ready for work, 7 wait", [`bad orders-1, orders-2: ${DOWN}`]],
  },
  {
    name: "a dead agent and a handler that is down: the worst comes first",
    of: overview(agents({ presence: "dead" }, { ready: false, trouble: DOWN }), BUSY),
    is: ["bad", "Not moving", "No agent of 1 is ready for work, ≥ 100,000 wait", [
      `bad orders-2: ${DOWN}`,
      "warn orders-1 died",
    ]],
  },
  {
    name: "a request that operators have written wrong",
    of: overview({ control_problem: "What operators have written controls nothing" }),
    is: ["bad", "Idle", "1 agent ready for work, nothing waits", [
      "bad What operators have written controls nothing",
    ]],
  },
  {
    name: "agents that have begun",
    of: overview(agents({}), {
      waiting: { n: 7, capped: false },
      oldest_s: 1,
      in_flight: { n: 3, capped: false },
    }),
    is: ["ok", "At work", "3 in flight, held by 1 agent, 7 wait", []],
  },
  {
    name: "attempts that take longer than a minute",
    of: overview(agents({}), {
      waiting: { n: 7, capped: false },
      oldest_s: 61,
      in_flight: { n: 3, capped: false },
    }),
    is: ["bad", "Not moving", "7 wait, 3 in flight, but nothing became processed in the last minute", []],
  },
  {
    name: "documents and no agent",
    of: overview(agents(), BUSY),
    is: ["bad", "No agent", "No agent works on shop.orders, ≥ 100,000 wait", []],
  },
  {
    name: "documents and dead agents",
    of: overview(agents({ presence: "dead" }), BUSY),
    is: ["bad", "No agent is alive", "No agent works on shop.orders, ≥ 100,000 wait", ["warn orders-1 died"]],
  },
  {
    name: "agents without work",
    of: overview(agents({}, {})),
    is: ["idle", "Idle", "2 agents ready for work, nothing waits", []],
  },
  {
    name: "agents at work",
    of: overview(agents({}), { ...BUSY, processed_per_s: 41.26, drained_in_s: 512 }),
    is: ["ok", "Moving", "41.3 per second by 1 agent, ≥ 100,000 wait, drained in ≥ 8 min 32 s", []],
  },
  {
    name: "work that does not move",
    of: overview(agents({}), { waiting: { n: 7, capped: false }, oldest_s: 61 }),
    is: ["bad", "Not moving", "7 wait, but nothing became processed in the last minute", []],
  },
  {
    name: "all paused by an operator",
    of: overview({ ...agents({ paused: BY_ANNA }, { paused: BY_ANNA }), control: PAUSED_BY_ANNA }, BUSY),
    is: [
      "paused",
      "Paused",
      "All agents were paused by anna 3 h 20 min ago: “price service is down”; ≥ 100,000 wait",
      [],
    ],
  },
  {
    name: "one of two that did not pause with the others",
    of: overview({ ...agents({ paused: BY_ANNA }, {}), control: PAUSED_BY_ANNA }, { processed_per_s: 1 }),
    is: ["warn", "Moving", "1.0 per second by 2 agents, nothing waits", [
      "warn 1 agent did not pause with the fleet",
    ]],
  },
  {
    name: "all paused one by one",
    of: overview(
      agents(
        { paused: { ...BY_FILE, since: "2026-03-04T05:05:07.000Z" } },
        { paused: { ...BY_FILE, source: "signal", since: "2026-03-04T05:06:00.000Z" } },
      ),
      BUSY,
    ),
    is: [
      "paused",
      "Paused",
      "Each agent is paused, the first for 1 min (by its control file; by a signal); ≥ 100,000 wait",
      [],
    ],
  },
  {
    name: "one of two paused by its file since yesterday",
    of: overview(agents({ paused: { ...BY_FILE, since: "2026-03-03T05:06:07.000Z" } }, {}), {
      processed_per_s: 1,
    }),
    is: ["warn", "Moving", "1.0 per second by 2 agents, nothing waits", [
      "paused orders-1 has been paused for 1 d (by its control file)",
    ]],
  },
  {
    name: "one of two paused by its file",
    of: overview(agents({ paused: BY_FILE }, {}), {
      processed_per_s: 1,
    }),
    is: ["warn", "Moving", "1.0 per second by 2 agents, nothing waits", [
      "paused orders-1 is paused (by its control file)",
    ]],
  },
  {
    name: "texts that would turn what is behind them round",
    of: overview({
      ...agents({ presence: "frozen", name: "a\u202eb" }, { paused: BY_ANNA }),
      control: { ...PAUSED_BY_ANNA, reason: "\u2067it\nis\u0007" },
    }),
    is: ["paused", "Paused", "All agents were paused by anna 3 h 20 min ago: “ it is ”; nothing waits", [
      "bad a b is frozen",
    ]],
  },
  {
    name: "a frozen one and one in trouble among others",
    of: overview(agents({ presence: "frozen" }, { trouble: "MongoDB has no primary" }, {}), {
      processed_per_s: 1,
    }),
    is: ["bad", "Moving, with trouble", "1.0 per second by 2 agents, nothing waits", [
      "bad orders-1 is frozen",
      "bad orders-2: MongoDB has no primary",
    ]],
  },
  {
    name: "attempts that fail: the largest group is named",
    of: overview({
      errors: [1, 5].map((count) => ({
        pattern: `error ${count}`,
        of: "dead_letters",
        count,
        first: null,
        last: null,
        example_id: null,
        example: "",
      })),
    }, { processed_per_s: 1, failed_per_s: 0.05 }),
    is: ["warn", "Moving", "1.0 per second by 1 agent, nothing waits", [
      "warn Attempts fail, 0.05 per second: error 5",
    ]],
  },
];

for (const { name, of, is } of CASES) {
  Deno.test(`verdictOf() tells in one line of ${name}`, () => {
    const { tone, headline, detail, findings } = verdictOf(of);
    assertEquals([tone, headline, detail, findings.map((it) => `${it.tone} ${it.text}`)], is);
  });
}
