import { assertEquals } from "@std/assert";
import { byteLength, cutToBytes } from "../../../../agent/text/utf8.ts";

Deno.test("cutToBytes() cuts between letters of any kind", () => {
  for (const text of ["", "abc", "äöü", "a€b€", "😀😀", "x😀é€", "\ud83d", "a\ud83db"]) {
    for (let bytes = 0; bytes <= byteLength(text) + 1; bytes++) {
      const cut = cutToBytes(text, bytes);
      assertEquals(text.startsWith(cut), true);
      assertEquals(byteLength(cut) <= bytes, true);
      const next = [...text.slice(cut.length)][0];
      assertEquals(
        next === undefined || byteLength(cut + next) > bytes,
        true,
        `${cut} of ${text} in ${bytes}`,
      );
    }
  }
});
