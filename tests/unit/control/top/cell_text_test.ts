import { assertEquals } from "@std/assert";
import { clipped, padded, widthOf } from "../../../../control/top/cell_text.ts";

Deno.test("widthOf() counts cells: wide characters and emoji take two, and marks that join the one before none", () => {
  const widths = ["plain", "漢字", "e\u0301", "👩", "👩‍👩‍👧", "🇩🇪", "한글", ""].map(widthOf);
  assertEquals(widths, [5, 4, 1, 2, 2, 2, 4, 0]);
});

Deno.test("clipped() cuts no character in half, and never exceeds the cells", () => {
  const text = "ab漢字👩e\u0301z";
  assertEquals([10, 9, 8, 5, 4, 3, 1, 0].map((cells) => clipped(text, cells)), [
    text,
    "ab漢字👩…",
    "ab漢字…",
    "ab漢…",
    "ab…",
    "ab…",
    "…",
    "",
  ]);
});

Deno.test("padded() fills the cells that are left, and makes one harmless line of any text", () => {
  assertEquals([padded("漢", 4), padded("7", 4, "right"), padded("漢字漢字", 4)], ["漢  ", "   7", "漢… "]);
  assertEquals(padded("\x1b[31mred\r\nx\u202e\x07", 14), "[31mred x     ");
});
