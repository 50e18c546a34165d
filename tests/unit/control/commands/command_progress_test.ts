import { assertEquals } from "@std/assert";
import { Progress } from "../../../../control/commands/command_progress.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

Deno.test("Progress is reported every two seconds, however much was done meanwhile", () => {
  const clock = new ManualClock();
  const said: string[] = [];
  const progress = new Progress({ say: (text) => said.push(text) }, clock);
  for (const passed of [0, 1999, 1, 1999, 5000, 0]) {
    clock.skip(passed);
    progress.update(`at ${clock.monotonicMs()}`);
  }
  assertEquals(said, ["at 3000", "at 9999"]);
});
