import { assertEquals } from "@std/assert";
import { FIRST_VIEW, shownAgents, type View } from "../../../../control/top/view.ts";
import { agentRow } from "../../../support/overviews.ts";

const paused = { source: "fleet", by: "ann", reason: "Price service", since: null };
const AGENTS = [
  agentRow({ name: "well", held: 3, processed_per_s: 5, started_at: "2026-01-03" }),
  agentRow({ name: "paused", paused, started_at: "2026-01-02" }),
  agentRow({ name: "frozen", presence: "frozen", held: 9 }),
  agentRow({ name: "failing", last_error: { at: "2026-01-01", message: "no" }, processed_per_s: 9 }),
  agentRow({ name: "unready", ready: false, version: "0.9.0" }),
];
const names = (view: Partial<View>) =>
  shownAgents(AGENTS, { ...FIRST_VIEW, ...view }).map(({ name }) => name);

Deno.test("shownAgents() puts those with trouble first, or sorts as it is told", () => {
  assertEquals(names({}), ["frozen", "unready", "paused", "failing", "well"]);
  assertEquals(names({ sort: "name" }), ["failing", "frozen", "paused", "unready", "well"]);
  assertEquals(names({ sort: "rate" }).slice(0, 2), ["failing", "well"]);
  assertEquals(names({ sort: "held" }).slice(0, 2), ["frozen", "well"]);
  assertEquals(names({ sort: "started" }).slice(0, 2), ["well", "paused"]);
});

Deno.test("shownAgents() filters by name, state, version and reason in any case, also while the text is typed", () => {
  assertEquals(names({ filter: "PRICE" }), ["paused"]);
  assertEquals(names({ filter: "frozen" }), ["frozen"]);
  assertEquals(names({ filter: "frozen", typing: "0.9" }), ["unready"]);
  assertEquals(names({ filter: "nothing like it" }), []);
});
