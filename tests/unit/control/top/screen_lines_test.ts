import { assert, assertEquals } from "@std/assert";
import type { Overview } from "../../../../control/fleet/overview.ts";
import { widthOf } from "../../../../control/top/cell_text.ts";
import { helpLines } from "../../../../control/top/help_lines.ts";
import { written } from "../../../../control/top/line.ts";
import { screenLines, type Size } from "../../../../control/top/screen_lines.ts";
import { FIRST_VIEW, type View } from "../../../../control/top/view.ts";
import { agentRow, overviewOf } from "../../../support/overviews.ts";

const SMALLEST: Size = { columns: 80, rows: 24 };

function screen(
  overview: Overview | undefined,
  view: Partial<View> = {},
  size = SMALLEST,
  problem?: string,
): string[] {
  const known = { overview, problem, everyS: 2, source: "shop.orders" };
  return screenLines(known, { ...FIRST_VIEW, ...view }, size).map((line) =>
    written(line, size.columns, "text")
  );
}

const BUSY = overviewOf({
  control: { state: "paused", by: "ann", reason: "price\nservice", at: "2026-01-01T11:59:00.000Z" },
  work: {
    waiting: { n: 100_000, capped: true },
    oldest_s: 7500,
    scheduled: { n: 12, capped: false },
    next_due_s: 40,
    in_flight: { n: 180, capped: false },
    dead_letters: { n: 1204, capped: false },
    processed_per_s: 312.5,
    failed_per_s: 0.25,
    drained_in_s: 320,
  },
  history: { ...overviewOf().history, processed: [...new Array(58).fill(1000), 2000, 4000] },
  agents: [
    agentRow({ name: "agent-1", held: 200, running: 10, processed_per_s: 12.25 }),
    agentRow({
      name: "agent-2",
      paused: { source: "fleet", by: "ann", reason: "price service", since: "2026-01-01T11:59:00.000Z" },
    }),
    agentRow({ name: "agent-3", presence: "dead", silent_s: 61 }),
  ],
  errors: [{
    pattern: "no price for #",
    of: "dead_letters",
    count: 17,
    first: null,
    last: "2026-01-01T11:59:55.000Z",
    example_id: "4",
    example: "no price for 4",
  }],
  notes: ["The errors are those of the dead letters with the highest _id"],
});

Deno.test("screenLines() shows all of it on the smallest screen", () => {
  assertEquals(screen(BUSY).map((line) => line.trimEnd()), [
    " pulling-agent top · shop.orders                        12:00:00 UTC  every 2 s",
    "PAUSED by ann since 11:59:00 UTC, 1 min ago: price service",
    "waiting ≥ 100,000, the oldest for 2 h 5 min   scheduled 12, the next in 40 s",
    "in flight 180   dead letters 1,204   failing 0.25/s   drained in ≥ 5 min 20 s",
    "processed 313/s    ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▄█ highest 400/s",
    "",
    "3 agents: 1 running, 1 paused, 1 dead   by trouble",
    "NAME             STATE      HELD  RUNS     RATE VERSION  WHY",
    "agent-3          dead          0     0      0/s 1.2.3    seen 1 min 1 s ago",
    "agent-2          paused        0     0      0/s 1.2.3    by ann, 1 min ago: pri…",
    "agent-1          running     200    10   12.3/s 1.2.3",
    "",
    "Errors: 1 group, of the newest dead letters and of the agents",
    "    17 letters 5 s ago         no price for # (as 4)",
    "The errors are those of the dead letters with the highest _id",
    ...new Array(8).fill(""),
    " q quits · s sorts · / filters · ↑↓ scroll · space holds · ? help",
  ]);
});

Deno.test("screenLines(): of 300 agents with wide names and 100 errors each line fits, at any size, and the rest is named", () => {
  const agents = Array.from({ length: 300 }, (_, index) => agentRow({ name: `漢字-👩‍👩‍👧-${index}`.repeat(3) }));
  const errors = Array.from(
    { length: 100 },
    (_, index) => ({ ...BUSY.errors[0]!, pattern: `漢字 ${index}`.repeat(40) }),
  );
  const overview = { ...BUSY, agents, agents_total: 300, errors };
  for (
    const size of [SMALLEST, { columns: 200, rows: 60 }, { columns: 30, rows: 8 }, { columns: 1, rows: 1 }]
  ) {
    for (const view of [{}, { showsHelp: true }, { typing: "漢" }, { scrolled: 290 }]) {
      const lines = screen(overview, view, size, "No answer");
      assertEquals(lines.length, size.rows);
      for (const line of lines) assert(widthOf(line) <= size.columns, line);
    }
  }
  const lines = screen(overview).join("\n");
  assert(/300 agents: 300 running +by trouble +29\d more below/.test(lines), lines);
  assert(/Errors: 100 groups.* 9\d more/.test(lines), lines);
  assert(screen(overview, {}, { columns: 79, rows: 24 }).at(-1)!.includes("smaller than 80x24"));
});

Deno.test("screenLines(): before the first answer, and if there is none, the screen says so", () => {
  const lines = screen(undefined, {}, SMALLEST, "No answer from MongoDB for 4 s");
  assertEquals(lines[1], "No answer from MongoDB for 4 s");
  assertEquals(lines.slice(2, -1).join("").trim(), "");
});

Deno.test("screenLines(): what is not known is a question mark, and what does not drain is told", () => {
  const unknown = {
    waiting: null,
    scheduled: null,
    in_flight: null,
    dead_letters: null,
    processed_per_s: null,
  };
  const [, , waiting, done, processed] = screen(overviewOf({ work: { ...unknown, failed_per_s: null } }));
  assertEquals([waiting, done?.trimEnd()], [
    "waiting ?   scheduled ?",
    "in flight ?   dead letters ?   failing ?",
  ]);
  assert(processed!.startsWith("processed ? "), processed);
  const at_least = { waiting: 10_000, scheduled: 100, in_flight: null, dead_letters: 1000 };
  const slow = screen(overviewOf({ work: { ...unknown, at_least } }));
  assertEquals(slow[2]?.trimEnd(), "waiting ≥ 10,000   scheduled ≥ 100");
  assert(slow[3]!.startsWith("in flight ?   dead letters ≥ 1,000   "), slow[3]);
  const growing = screen(overviewOf({ work: { waiting: { n: 5, capped: false } } }));
  assert(growing[3]!.endsWith("does not drain"), growing[3]);
});

Deno.test("helpLines() fit the smallest screen", () => {
  const widths = helpLines().map((line) => widthOf(written(line, 1000, "text").trimEnd()));
  assertEquals(widths.filter((cells) => cells > SMALLEST.columns), []);
});

Deno.test("screenLines() shows in place of a pause that what operators have written controls nothing", () => {
  const text = 'What operators have written controls nothing: its state is "PAUSED", and must be';
  const [, line] = screen(overviewOf({ control_problem: `${text} "running" or "paused"` }));
  assertEquals(line?.slice(0, 66), text.slice(0, 66));
});
