import { assertEquals } from "@std/assert";
import { keysIn, withoutLast } from "../../../../control/top/keys.ts";

Deno.test("keysIn() names keys that are no characters, also if several come at once, and leaves out those it does not know", () => {
  assertEquals(keysIn("q\x1b[A\x1bOBé👩‍👩‍👧\r\x7f\x03"), [
    "q",
    "up",
    "down",
    "é",
    "👩‍👩‍👧",
    "enter",
    "backspace",
    "quit",
  ]);
  assertEquals(keysIn("\x1b[200~ab\x1b[201~\x1b[1;5C\x01\x1b"), ["a", "b", "escape"]);
  assertEquals(keysIn(""), []);
});

Deno.test("withoutLast() takes away one character as a person sees it", () => {
  assertEquals(["ab", "a👩‍👩‍👧", "ae\u0301", ""].map(withoutLast), ["a", "a", "a", ""]);
});
