import { assert, assertEquals, assertThrows } from "@std/assert";
import { LineSplitter } from "../../../../../agent/processors/exec/line_splitter.ts";

const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];

Deno.test("LineSplitter gives the same lines, however the bytes are cut", () => {
  const text = "one\n\ntwo ä\r\nthree\nrest";
  const bytes = encoder.encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter(100);
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      // The same buffer again and again, as a stream may use it.
      const chunk = bytes.slice(at, at + size);
      for (const line of splitter.lines(chunk)) lines.push(decoder.decode(line));
      chunk.fill(0);
    }
    assert(splitter.hasRest);
    lines.push(decoder.decode(splitter.rest()));
    assertEquals(lines, ["one", "", "two ä\r", "three", "rest"]);
    assertEquals(splitter.hasRest, false);
  }
});

Deno.test("LineSplitter refuses a line as soon as it is too long, whether it ends or not", () => {
  for (const chunks of [["12345\n"], ["123", "45"], ["123", "45\n"], ["ok\n12345"]]) {
    const splitter = new LineSplitter(4);
    assertThrows(() => chunks.forEach((chunk) => [...splitter.lines(encoder.encode(chunk))]), RangeError);
  }
  const splitter = new LineSplitter(4);
  assertEquals([...splitter.lines(encoder.encode("1234\n12"))].length, 1);
  assertEquals([...splitter.lines(encoder.encode("34\n"))].length, 1);
});

Deno.test("LineSplitter drops what is beyond the limit if it cuts, and nothing of other lines", () => {
  const splitter = new LineSplitter(4, { cuts: true });
  const lines = ["12", "3456789\nabcdefgh\n", "ok\nrest"].flatMap((chunk) =>
    [...splitter.lines(encoder.encode(chunk))].map((line) => decoder.decode(line))
  );
  assertEquals([...lines, decoder.decode(splitter.rest())], ["1234", "abcd", "ok", "rest"]);
});
