import { assertEquals } from "@std/assert";
import { KeyWaits } from "../../../../../agent/store/claims/key_waits.ts";
import { ManualClock } from "../../../../support/manual_clock.ts";

function keyWaits() {
  const clock = new ManualClock();
  return { clock, waits: new KeyWaits(clock) };
}

const namesOf = (due: [name: string, wait: unknown][]) => due.map(([name]) => name);

Deno.test("KeyWaits counts from the first claim that had to wait, and anew from a look that found an agent", () => {
  const { clock, waits } = keyWaits();
  waits.met("a", {}, "first");
  clock.skip(60);
  waits.met("a", {}, "second");
  waits.met("b", {}, "first");
  clock.skip(40);
  const due = waits.due(100, 9);
  assertEquals(due.map(([name, { error }]) => [name, error]), [["a", "second"]]);
  waits.held(due[0]![1]);
  clock.skip(60);
  assertEquals(namesOf(waits.due(100, 9)), ["b"]);
  clock.skip(40);
  assertEquals(namesOf(waits.due(100, 9)), ["a", "b"]);
  assertEquals(namesOf(waits.due(100, 1)), ["a"]);
});

Deno.test("KeyWaits says once that no agent holds a document, until an agent does", () => {
  const { waits } = keyWaits();
  waits.met("a", {}, "refused");
  const [, wait] = waits.due(0, 1)[0]!;
  assertEquals([waits.isStuck("a"), waits.stuckBehind(wait, 7), waits.stuckBehind(wait, 7)], [
    false,
    true,
    false,
  ]);
  assertEquals([waits.isStuck("a"), waits.stuck], [true, [wait]]);
  waits.held(wait);
  assertEquals([waits.isStuck("a"), waits.stuck], [false, []]);
  assertEquals([waits.missed(wait), waits.missed(wait)], [false, true]);
});

Deno.test("KeyWaits remembers a thousand waits, those that began first, and forgets those that are over", () => {
  const { waits } = keyWaits();
  for (let id = 0; id < 1001; id++) waits.met(`${id}`, {}, "refused");
  assertEquals(namesOf(waits.due(0, 9999)), Array.from({ length: 1000 }, (_, id) => `${id}`));
  waits.over("0");
  waits.met("1001", {}, "refused");
  assertEquals(namesOf(waits.due(0, 9999)).at(-1), "1001");
});
