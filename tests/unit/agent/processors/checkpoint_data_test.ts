import { assert, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { BSON } from "mongodb";
import { PermanentError } from "../../../../agent/errors.ts";
import { checkpointData } from "../../../../agent/processors/checkpoint_data.ts";

Deno.test("checkpointData() copies any value that can be written", () => {
  const list = [1, { page: 2n, at: new Date(5) }];
  for (const data of [null, 0, "text", true, list, { list }, new BSON.ObjectId()]) {
    assertEquals(checkpointData(data), data);
  }
  assertNotStrictEquals(checkpointData(list), list);
});

Deno.test("checkpointData() takes 16 KiB of BSON and not a byte more", () => {
  const fits = { text: "x".repeat(16 * 1024 - 5 - 5 - 6 - 5) };
  assert(BSON.calculateObjectSize(fits) < 16 * 1024);
  checkpointData(fits);
  assertThrows(
    () => checkpointData({ text: fits.text + "x".repeat(1) }),
    PermanentError,
    "Cannot write the checkpoint: data is larger than 16 KiB: save how far the work is, no results",
  );
});

Deno.test("checkpointData() names the place of a value that cannot be written", () => {
  const wrong: [unknown, string][] = [
    [undefined, "data is undefined: write null"],
    [() => 1, "data is a function"],
    [
      { pages: [1, new Map()] },
      "data.pages[1] is Map, which cannot be written: write Object.fromEntries(map)",
    ],
    [{
      get page() {
        throw new Error("no");
      },
    }, "data.page cannot be read: no"],
  ];
  for (const [data, text] of wrong) {
    assertThrows(() => checkpointData(data), PermanentError, `Cannot write the checkpoint: ${text}`);
  }
});
