import { assertEquals, AssertionError, assertRejects, fail } from "@std/assert";
import { waitFor } from "../../support/wait.ts";

const soon = { timeoutMs: 20, everyMs: 1 };

Deno.test("waitFor() resolves to the first value that is truthy", async () => {
  const values = [undefined, 0, "", false, "here", "later"];
  assertEquals(await waitFor("a value", () => values.shift()), "here");
});

Deno.test("waitFor() goes on after an error, and names the last one if it gives up", async () => {
  let calls = 0;
  const found = await waitFor("the file", () => {
    if (++calls < 3) throw new Deno.errors.NotFound("no file");
    return "content";
  });
  assertEquals(found, "content");
  const never = () => Promise.reject(new Deno.errors.NotFound("no file"));
  await assertRejects(
    () => waitFor("the file", never, soon),
    Error,
    "for the file in vain: last failed with NotFound",
  );
  await assertRejects(
    () => waitFor("a value", () => 0, soon),
    Error,
    "Waited 20 ms for a value in vain: last saw 0",
  );
});

Deno.test("waitFor() lets an assertion through at once, so that what has to hold at each look can fail", async () => {
  let looks = 0;
  const look = () => (++looks === 2 ? fail("dead") : looks > 2);
  await assertRejects(() => waitFor("the end", look), AssertionError, "dead");
  assertEquals(looks, 2);
});
