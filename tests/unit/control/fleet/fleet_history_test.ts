import { assertEquals } from "@std/assert";
import { SummedHistory } from "../../../../control/fleet/fleet_history.ts";
import { fleetAgent, fleetHistory } from "../../../support/fleet_agents.ts";

const at = (time: string) => new Date(`2026-01-01T${time}Z`);
const history = (until: string, ...processed: number[]) => fleetHistory(`2026-01-01T${until}Z`, processed);
const end = (numbers: readonly number[], length = 3) => numbers.slice(-length);

Deno.test("SummedHistory adds the steps of all agents by their time, and ends where all that are alive have told theirs", () => {
  const summed = new SummedHistory();
  summed.add([
    fleetAgent({ id: "a", history: history("12:00:10", 1, 2, 3) }),
    fleetAgent({ id: "b", history: history("12:00:20", 10, 20, 30) }),
  ], at("12:00:23"));
  assertEquals(summed.steps().until, "2026-01-01T12:00:10.000Z");
  assertEquals(end(summed.steps().processed, 4), [0, 1, 12, 23]);
  assertEquals(summed.steps().processed.length, 60);
});

Deno.test("SummedHistory waits three steps for an agent that is alive, and not for one that is not", () => {
  const summed = new SummedHistory();
  const late = { id: "a", history: history("11:00:00", 7) };
  summed.add([fleetAgent(late), fleetAgent({ id: "b", history: history("12:01:00", 5) })], at("12:01:05"));
  assertEquals(summed.until, at("12:00:30"));
  summed.add(
    [fleetAgent({ ...late, presence: "frozen" }), fleetAgent({ id: "b", history: history("12:01:00", 5) })],
    at("12:01:05"),
  );
  assertEquals(summed.until, at("12:01:00"));
  assertEquals(end(summed.steps().processed, 2), [0, 5]);
});

Deno.test("SummedHistory keeps for ten minutes what an agent did whose entry is gone", () => {
  const summed = new SummedHistory();
  summed.add([fleetAgent({ history: history("12:00:00", 6) })], at("12:00:00"));
  summed.add([], at("12:09:50"));
  assertEquals(summed.steps().processed[0], 6);
  summed.add([], at("12:10:00"));
  assertEquals(summed.steps().processed, new Array(60).fill(0));
});

Deno.test("SummedHistory: rates are those of the last minute, of a new agent those since its start, and of a frozen one 0", () => {
  const summed = new SummedHistory();
  const old = fleetAgent({ id: "a", history: history("12:00:00", ...new Array(60).fill(60)) });
  const fresh = fleetAgent({ id: "b", history: history("12:00:00", 20) });
  const frozen = fleetAgent({ id: "c", presence: "frozen", history: history("11:58:00", 900, 900) });
  const failing = fleetAgent({
    id: "d",
    history: fleetHistory("2026-01-01T12:00:00Z", [0, 0], { retried: [10, 10], deadLettered: [0, 20] }),
  });
  assertEquals(summed.rates(), undefined);
  summed.add([old, fresh, frozen, failing], at("12:00:09"));
  assertEquals(summed.ratesOf(old.history).processed, 6);
  assertEquals(summed.ratesOf(fresh.history).processed, 2);
  assertEquals(summed.ratesOf(frozen.history).processed, 0);
  assertEquals(summed.ratesOf(failing.history), { processed: 0, failed: 2 });
  assertEquals(summed.rates(), { processed: 8, failed: 2 });
});

Deno.test("SummedHistory: the pick-up delay of a step is the longest of any agent, and dead letters are failed attempts, too", () => {
  const summed = new SummedHistory();
  summed.add([
    fleetAgent({ id: "a", history: fleetHistory("2026-01-01T12:00:00Z", [1, 1], { pickUpMs: [5, 900] }) }),
    fleetAgent({
      id: "b",
      history: fleetHistory("2026-01-01T12:00:00Z", [1, 1], {
        pickUpMs: [70, 8],
        retried: [3, 0],
        deadLettered: [1, 2],
      }),
    }),
  ], at("12:00:00"));
  const { dead_letters, failed, pick_up_ms } = summed.steps();
  assertEquals([end(pick_up_ms, 2), end(failed, 2), end(dead_letters, 2)], [[70, 900], [4, 2], [1, 2]]);
});
