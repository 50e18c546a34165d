import { assertMatch, assertRejects } from "@std/assert";
import { UsageError } from "../../../../agent/errors.ts";
import { loadModule } from "../../../../agent/processors/module.ts";
import { TempDir } from "../../../support/temp_dir.ts";

Deno.test("loadModule() refuses a processBatch that is no function beside a default function", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/processor.js`;
  await Deno.writeTextFile(path, "export default () => {}; export const processBatch = 3;");
  const { message } = await assertRejects(() => loadModule(path), UsageError);
  assertMatch(message, /exports processBatch as a number.*, which cannot be called: make it a function/);
});
