import { assertEquals } from "@std/assert";
import { span, written } from "../../../../control/top/line.ts";

const LINE = [span("waiting "), span("17", "bad"), span("  for long", "dim")];

Deno.test("written() colours parts as the style allows, and cuts the line at the width", () => {
  assertEquals(written(LINE, 80, "text"), "waiting 17  for long");
  assertEquals(written(LINE, 80, "colors"), "waiting \x1b[1;31m17\x1b[0m\x1b[2m  for long\x1b[0m");
  assertEquals(written(LINE, 80, "attributes"), "waiting \x1b[1m17\x1b[0m\x1b[2m  for long\x1b[0m");
  assertEquals([written(LINE, 13, "text"), written(LINE, 10, "text"), written(LINE, 4, "text")], [
    "waiting 17  …",
    "waiting 17",
    "wai…",
  ]);
});

Deno.test("written() lets no text command the terminal", () => {
  assertEquals(written([span("\x1b]0;x\x07\n", "bad")], 80, "text"), "\\u001b]0;x\\u0007\\n");
});
