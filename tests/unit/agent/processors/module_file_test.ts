import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../../../agent/errors.ts";
import { loadProcessor } from "../../../../agent/processors/load_processor.ts";
import { TempDir } from "../../../support/temp_dir.ts";

Deno.test("loadProcessor() refuses a pipe at once, and loads a module that is larger than what it looks at", async () => {
  await using dir = await TempDir.make();
  await new Deno.Command("mkfifo", { args: [`${dir.path}/pipe.js`] }).output();
  await assertRejects(
    () => loadProcessor(`module:${dir.path}/pipe.js`),
    UsageError,
    "pipe.js is not a file: name the .js file itself",
  );
  const comment = `/*${"x".repeat(17 * 1024 * 1024)}*/`;
  const path = await dir.write("large.js", `${comment}\nexport default () => {};`);
  assertEquals((await loadProcessor(`module:${path}`)).kind, "single");
});
