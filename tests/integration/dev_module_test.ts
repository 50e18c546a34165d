import { assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { makeDev } from "../support/make_dev.ts";
import { TempDir } from "../support/temp_dir.ts";

const NOWHERE = { uri: "mongodb://127.0.0.1:1/", name: "none" };

for (
  const specifier of [
    "npm:left-pad@1.3.0",
    "jsr:@scope/name@1",
    "https://example.com/x.js",
    "some-package",
    "./gone.js",
    "./rates.json",
  ]
) {
  Deno.test(`make dev reports an import of ${specifier} in one line, without Deno's advice`, async () => {
    await using dir = await TempDir.make();
    await dir.write("rates.json", "{}");
    const module = `import x from "${specifier}"; export default () => {};`;
    const { code, output } = await makeDev(NOWHERE, dir, [{}], { module });
    assertEquals(code, 2, output);
    assertMatch(output, /^dev: PROCESSOR=module:\S+ imports .*\n$/);
    assertStringIncludes(output, specifier.replace("./", specifier.endsWith(".js") ? "/" : "./"));
    assertFalse(/--allow|lockfile|deno (add|install)|Download/.test(output), output);
    assertFalse(output.includes("\x1b"), output);
  });
}
