import { assertEquals } from "@std/assert";
import { ClaimModeError } from "../../../agent/errors.ts";
import { Events } from "../../../agent/events.ts";
import { CHANGE_MS } from "../../../agent/store/ranges/mode_times.ts";
import { ModeEnd } from "../../../control/mode_end.ts";
import { ManualClock } from "../../support/manual_clock.ts";

const OTHERS = new ClaimModeError("other agents", { isOfOthers: true });

function watched() {
  const clock = new ManualClock();
  const events = new Events();
  const drained: string[] = [];
  const end = new ModeEnd({ clock, events, agent: { drain: (reason) => drained.push(reason) } });
  const fails = (error: unknown) => events.emit({ type: "claim_failed", error, retryInMs: 1000 });
  const claims = (documents: number, newDocuments = documents) =>
    events.emit({ type: "claimed", documents, newDocuments, takeovers: 0, conflicts: 0, elapsedMs: 1 });
  return { claims, clock, drained, end, fails };
}

Deno.test("ModeEnd ends an agent whose claims agents of another mode still refuse after their lease", () => {
  const { clock, drained, end, fails } = watched();
  fails(OTHERS);
  clock.skip(CHANGE_MS - 1);
  fails(OTHERS);
  assertEquals([drained, end.status], [[], 0]);
  clock.skip(1);
  fails(OTHERS);
  assertEquals([drained, end.status], [["other agents"], 1]);
});

Deno.test("ModeEnd leaves other failures alone", () => {
  const { clock, drained, fails } = watched();
  fails(new ClaimModeError("the set-up"));
  clock.skip(CHANGE_MS);
  fails(new ClaimModeError("the set-up"));
  fails(new Error("no answer"));
  assertEquals(drained, []);
});

Deno.test("ModeEnd ends an agent that claims nothing but what both modes claim alike, also if it finds nothing meanwhile", () => {
  const { claims, clock, drained, fails } = watched();
  fails(OTHERS);
  claims(1, 0);
  claims(0);
  clock.skip(CHANGE_MS);
  fails(OTHERS);
  assertEquals(drained, ["other agents"]);
});

Deno.test("ModeEnd leaves an agent alone that has claimed in its mode", () => {
  const { claims, clock, drained, fails } = watched();
  claims(1);
  fails(OTHERS);
  clock.skip(CHANGE_MS);
  fails(OTHERS);
  assertEquals(drained, []);
});
