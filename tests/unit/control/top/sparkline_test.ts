import { assertEquals } from "@std/assert";
import { sparkline } from "../../../../control/top/sparkline.ts";

Deno.test("sparkline() draws the last numbers against the highest of them: 0 is blank, and what is not known a dot", () => {
  assertEquals(sparkline([900, 1, 2, 3, 4, 5, 6, 7, 8], 8), "▁▂▃▄▅▆▇█");
  assertEquals(sparkline([0, null, 1, 1000], 60), " ·▁█");
  assertEquals([sparkline([0, 0], 60), sparkline([], 60)], ["  ", ""]);
});
