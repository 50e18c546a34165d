import { assertEquals, assertMatch } from "@std/assert";
import type { Story } from "../../../../agent/store/why/story.ts";
import type { AgentHere } from "../../../../control/why/agent_here.ts";
import { nextText, stateOf } from "../../../../control/why/story_answer.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const SETTINGS = { maxAttempts: 5 };

function story(overrides: Partial<Story> = {}): Story {
  return {
    id: "one",
    now: NOW,
    kind: "new_documents",
    obstacles: [],
    afterClaim: "run",
    before: 0,
    bookkeeping: undefined,
    facts: { owner: "first" },
    ...overrides,
  } as unknown as Story;
}

function here(overrides: Record<string, unknown> = {}, isAlive = true): AgentHere {
  const status = {
    name: "first",
    state: "running",
    control: { state: "running", source: "start", since: "then" },
    connected: true,
    held: { documents: 7, running: 4 },
    updated_at: "long ago",
    ...overrides,
  };
  return { status, isAlive } as unknown as AgentHere;
}

const PAUSED = { control: { state: "paused", source: "file", since: "then" } };
const LEFT = { left_alone: { documents: 3, example: "one", reason: "a validator" } };
const OTHER_LEFT = { left_alone: { documents: 3, example: "two", reason: "a validator" } };

/** The agent of this machine, and what it adds to the answer about a document that can be claimed. */
const AGENTS: [what: string, agent: AgentHere | undefined, says: RegExp][] = [
  ["no agent", undefined, /for attempt 1 of 5$/],
  ["one at work", here(), /for attempt 1 of 5$/],
  [
    "one paused by its file",
    here(PAUSED),
    /is paused, by file, since then, and claims nothing: for all .* make k8s-resume; for this one, .* pulling-agent resume$/,
  ],
  ["one that drains", here({ state: "draining" }), /is draining, and claims nothing$/],
  [
    "one without a database",
    here({ connected: false }),
    /MongoDB is out of reach: see pulling-agent status$/,
  ],
  [
    "one whose processor is down",
    here({ trouble: { what: "processor_fails", since: "then" } }),
    /fails for one document after the other, and the agent claims few: see pulling-agent status$/,
  ],
  ["a frozen one", here({}, false), /has not responded since long ago: see pulling-agent status$/],
  [
    "one that leaves it alone",
    here(LEFT),
    /leaves it alone for a while \(a validator\)\. An agent that was refused retries/,
  ],
  ["one that leaves another document alone", here(OTHER_LEFT), /for attempt 1 of 5$/],
];

for (const [what, agent, says] of AGENTS) {
  Deno.test(`nextText() of a claimable document with ${what} in HEALTH_DIR`, () => {
    assertMatch(nextText(story(), SETTINGS, agent), says);
  });
}

Deno.test("nextText() of a leased document tells whether its agent is the one of HEALTH_DIR, and alive", () => {
  const leased = story({ kind: undefined, obstacles: [{ what: "leased", until: NOW }] });
  assertMatch(
    nextText(leased, SETTINGS, undefined),
    /Only the end of the lease tells whether that agent is alive\. To stop it: pulling-agent cancel one$/,
  );
  assertMatch(nextText(leased, SETTINGS, here({ name: "other" })), /Only the end of the lease tells/);
  const running = (...ids: string[]) =>
    ids.map((id) => ({ id, attempt: 2, since: "9:00", progress: 0.4, text: "page 4" }));
  assertMatch(
    nextText(leased, SETTINGS, here()),
    /which is alive: it holds 7 documents and runs 4 of them\. To stop/,
  );
  assertMatch(
    nextText(leased, SETTINGS, here({ running: running("a", "one") })),
    /which is alive: its handler runs since 9:00, attempt 2 \(40 %, page 4\)\. To stop/,
  );
  assertMatch(
    nextText(leased, SETTINGS, here({ running: running("a", "b", "c", "d") })),
    /it holds 7 documents and runs 4 of them, and this one waits for its turn\. To stop/,
  );
  assertMatch(nextText(leased, SETTINGS, here({}, false)), /which has not responded since long ago/);
});

Deno.test("nextText() counts the documents that come before", () => {
  const texts = [0, 1, 12, 10_000].map((before) => nextText(story({ before }), SETTINGS, undefined));
  assertEquals(texts.map((text) => text.split("of 5")[1]), [
    "",
    ". 1 document of its kind comes before it",
    ". 12 documents of its kind come before it",
    ". 10000 or more documents of its kind come before it",
  ]);
});

Deno.test("stateOf() is stuck if anything besides time keeps the document", () => {
  const scheduled = { what: "scheduled", until: NOW, because: "producer" } as const;
  const filter = { what: "filter", gaps: [] } as const;
  const waits = { what: "unique_index", index: "i", key: {}, holderId: 1, isHeld: true } as const;
  const states = [[], [scheduled], [scheduled, filter], [filter], [waits], [{ ...waits, isHeld: false }]]
    .map((obstacles) => stateOf(story({ obstacles })));
  assertEquals(states, ["claimable", "waiting", "stuck", "stuck", "waiting", "stuck"]);
});
