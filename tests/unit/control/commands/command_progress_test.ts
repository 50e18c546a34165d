import { assertEquals } from "@std/assert";
import { Progress } from "../../../../control/commands/command_progress.ts";

Deno.test("Progress is said every two seconds, whatever was done meanwhile", () => {
  let now = 1000;
  const said: string[] = [];
  const progress = new Progress({ say: (text) => said.push(text) }, () => now);
  for (const passed of [0, 1999, 1, 1999, 5000, 0]) {
    now += passed;
    progress.update(`at ${now}`);
  }
  assertEquals(said, ["at 3000", "at 9999"]);
});
