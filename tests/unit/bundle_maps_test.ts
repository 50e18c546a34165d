import { assertEquals } from "@std/assert";
import { decode, encode } from "@jridgewell/sourcemap-codec";
import { ownMap } from "../../scripts/bundle_maps.ts";

Deno.test("ownMap() keeps what leads to a source of the program, and ends it where a package begins", () => {
  const mappings = encode([
    [[0, 1, 4, 2], [10, 0, 7, 0], [20, 2, 1, 1, 0]],
    [[0, 0, 9, 9]],
    [],
  ]);
  const sources = ["../cache/npm/bson/lib/bson.cjs", "../src/agent/store/uri.ts", "../src/main.ts"];
  const map = ownMap({ version: 3, sources, names: ["secret"], mappings })!;
  assertEquals(map.sources, ["agent/store/uri.ts", "main.ts"]);
  assertEquals(decode(map.mappings), [[[0, 0, 4, 2], [10], [20, 1, 1, 1]], [[0]], []]);
  assertEquals("names" in map, false);
});

Deno.test("ownMap() of a file that holds only packages is undefined", () => {
  const sources = ["../cache/npm/bson/lib/bson.cjs", "../../src/agent/agent.ts", "../src/deno.json"];
  assertEquals(ownMap({ version: 3, sources, mappings: encode([[[0, 0, 0, 0]]]) }), undefined);
});
