import { assertEquals } from "@std/assert";
import { clipped, padded, squeezed, widthOf } from "../../../../control/top/cell_text.ts";

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

Deno.test("squeezed() leaves the middle of a name out, so that pods of one deployment are told apart", () => {
  const pod = "orders-7c9f8b6d5-x2kqp";
  assertEquals([22, 21, 18, 16, 4, 2, 1, 0].map((cells) => squeezed(pod, cells)), [
    pod,
    "orders-7c9…b6d5-x2kqp",
    "orders-7c…d5-x2kqp",
    "orders-7…5-x2kqp",
    "or…p",
    "o…",
    "…",
    "",
  ]);
  assertEquals(squeezed("漢字漢字👩\r\nz", 7), "漢字… z");
});
